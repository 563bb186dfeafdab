/**
 * The ends of a connection in whatever order they come: the node's, the peer's,
 * the system's and those of time.
 */

import assert from "node:assert/strict";
import { FramedConnection } from "../../adapters/_framed_connection.ts";
import { connectionLimits } from "../../adapters/_options.ts";
import { WsConnection } from "../../adapters/_ws_connection.ts";
import { ServerHandshake } from "../../adapters/_ws_handshake.ts";
import { wsLimits } from "../../adapters/_ws_limits.ts";
import { NativeWsConnection } from "../../adapters/_ws_native_connection.ts";
import { wsTimes } from "../../adapters/_ws_options.ts";
import type { Connection } from "../../adapters/adapter.ts";
import { varintFraming } from "../../framing/varint.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { frameBytes, joined, utf8 } from "../framing/_web_socket_frames.ts";
import {
  EndingEvents,
  PlayedHost,
  PlayedStream,
  PlayedWebSocket,
} from "./_played_host.ts";
import { requestText } from "./_web_socket.ts";

/** Longer than any wait for an end: what was accepted goes out after a peer's for half a minute. */
const ALL_WAITS_MS = 120_000;

/** One connection, and what its peer and the system may do. */
interface Play {
  readonly connection: Connection;
  peerActs(choice: number): void;
  makeRoom(choice: number): void;
  settle(): void;
}

type Begin = (
  host: PlayedHost,
  events: EndingEvents,
  choice: number,
) => Play;

function oneOf<T>(values: readonly T[], choice: number): T {
  const value = values[choice % values.length];
  assert(value !== undefined);
  return value;
}

function streamPlay(
  connection: Connection,
  socket: PlayedStream,
  said: readonly Uint8Array[],
): Play {
  return {
    connection,
    peerActs(choice) {
      const act = choice % (said.length + 2);
      if (act === said.length) socket.peerEnds();
      else if (act > said.length) socket.peerResets();
      else socket.peerSends(oneOf(said, act));
    },
    makeRoom: (choice) => socket.makeRoom(oneOf([10, 1_000, 1e9], choice)),
    settle: () => socket.settle(),
  };
}

const roomOf = (choice: number) => oneOf([0, 50, 1e9], choice);

const begin: Readonly<Record<string, Begin>> = {
  "framed stream": (host, events, choice) => {
    const connection = new FramedConnection(
      host,
      varintFraming,
      connectionLimits({}, 1 << 24),
      undefined,
      false,
    );
    const socket = new PlayedStream(roomOf(choice));
    connection.listen(events);
    connection.stream.attach(socket);
    socket.listen(connection.stream);
    return streamPlay(connection, socket, [
      Uint8Array.of(1, 5),
      Uint8Array.of(3, 1),
      Uint8Array.of(1, 5, 255, 255, 255, 255, 255, 255),
    ]);
  },
  WebSocket: (host, events, choice) => {
    const limits = wsLimits({});
    const connection = new WsConnection(
      host,
      limits,
      wsTimes({
        pingIntervalMs: oneOf([0, 700], choice),
        pongTimeoutMs: 500,
        ...(choice % 4 < 2 && { closeTimeoutMs: oneOf([0, 3_000], choice) }),
      }),
      new ServerHandshake(() => "", limits.head),
      undefined,
      false,
    );
    const socket = new PlayedStream(roomOf(choice));
    connection.attach(socket);
    connection.listen(events);
    socket.listen(connection.stream);
    const message = frameBytes({ opcode: 2, data: "hello" }, true);
    const flawed = frameBytes({ opcode: 2, rsv: 7 }, true);
    const close = frameBytes({ opcode: 8 }, true);
    if (choice % 8 > 0) socket.peerSends(utf8(requestText()));
    return streamPlay(connection, socket, [
      message,
      message,
      frameBytes({ opcode: 9, data: "ping" }, true),
      message.slice(0, 4),
      close,
      joined([message, close]),
      joined([message, flawed]),
    ]);
  },
  "WebSocket of the runtime": (host, events, choice) => {
    const socket = new PlayedWebSocket();
    const connection = new NativeWsConnection(
      host,
      connectionLimits({ maxMessageSize: 100 }, 100),
      choice % 3 === 0 ? undefined : oneOf([0, 3_000], choice),
      undefined,
    );
    connection.attach(socket);
    connection.listen(events);
    socket.listen(connection);
    if (choice % 8 > 0) connection.open();
    return {
      connection,
      peerActs(act) {
        if (act % 8 === 0) socket.peerCloses(oneOf([1000, 1006, 4000], act));
        else socket.peerSends(new Uint8Array(act % 8 === 1 ? 101 : 10));
      },
      makeRoom: () => socket.makeRoom(),
      settle: () => socket.settle(),
    };
  },
};

const steps = fc.array(
  fc.record({
    act: fc.constantFrom(
      "peer",
      "peer",
      "send",
      "room",
      "close",
      "pause",
      "resume",
      "time",
      "time",
      "settle",
    ),
    choice: fc.nat(999),
  }),
  { minLength: 5, maxLength: 40, size: "max" },
);

for (const [kind, start] of Object.entries(begin)) {
  test(`a ${kind} that ends in any order ends once, and leaves no timer`, () => {
    fc.assert(
      fc.property(steps, fc.nat(999), (taken, first) => {
        const host = new PlayedHost();
        const events = new EndingEvents(host);
        const play = start(host, events, first);
        const { connection } = play;
        const close = (choice: number) => {
          // The node closes nothing twice unless to hurry, and nothing that is gone.
          if (events.releasedTimes > 0) return;
          if (events.closedTimes === 0) events.isLocallyClosed = true;
          connection.close({
            drainMs: oneOf([0, 100, 5_000], choice),
            lingerMs: oneOf([0, 200, 200, 5_000, 0], choice),
          });
        };
        let now = 0;
        events.onMessage = () => {
          if (now % 5 === 0) close(now);
        };
        events.onClosed = () => {
          if (now % 3 === 0) close(now);
        };
        for (const { act, choice } of taken) {
          if (events.releasedTimes > 0) break;
          now = choice;
          if (act === "peer") play.peerActs(choice);
          else if (act === "send") {
            const data = new Uint8Array(oneOf([0, 10, 40_000], choice));
            if (!events.isLocallyClosed) connection.send(data, false, 0);
          } else if (act === "room") play.makeRoom(choice);
          else if (act === "close") close(choice);
          else if (act === "pause") connection.pause();
          else if (act === "resume") connection.resume();
          else if (act === "time") host.pass(oneOf([1, 250, 1_100], choice));
          else play.settle();
          host.turn();
        }
        if (events.closedTimes === 0) close(first);
        for (let ms = 0; ms < ALL_WAITS_MS; ms += 500) {
          host.pass(500);
          play.settle();
          host.turn();
        }
        assert.equal(events.releasedTimes, 1, "it was not released once");
        assert.equal(events.timersLeft, 0, "a timer outlived it");
        assert.equal(host.timers, 0, "a timer is left");
        assert(events.isLocallyClosed || events.closedTimes === 1);
      }),
      { numRuns: 2_000 },
    );
  });
}
