/**
 * What the cases of the RFC 6455 table look like from the other end of a socket.
 *
 * @module
 */

import type { TestNode } from "../conformance/_nodes.ts";
import type { DecoderCase } from "../framing/_web_socket_cases.ts";
import { LogSink } from "../framing/_web_socket_frames.ts";

/** What the other side is sent back: pongs, and a close frame of this code. */
export function wantedAnswers({ log }: DecoderCase): string[] {
  return log.flatMap((line) => {
    const [kind, rest] = [line.split(" ", 1)[0], line.replace(/^\w+ /, "")];
    switch (kind) {
      case "ping":
        return [`pong ${rest}`];
      case "close":
        return [`close ${rest.split(" ")[0]}`];
      case "fault":
        return [`close ${rest.split(" ")[1]}`];
      default:
        return [];
    }
  });
}

/** The messages of one connection, as the decoder's log has them. */
export function messagesOf(node: TestNode, id: unknown): string[] {
  const sink = new LogSink();
  for (const { endpoint, data, isText } of node.all("message")) {
    if (endpoint.resourceId === id) sink.message(data, isText);
  }
  return sink.log;
}

/** The messages that a case stands for. */
export function wantedMessages({ log }: DecoderCase): string[] {
  return log.filter((line) => /^(text|binary) /.test(line));
}

/** A log in which reasons of closing are left out: they are for people. */
export function withoutReasons(log: readonly string[]): string[] {
  return log.map((line) => line.replace(/^(close \d+) .*$/, "$1"));
}
