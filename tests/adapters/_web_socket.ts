/**
 * Raw peers that speak WebSocket by hand, to say what no library would say.
 *
 * @module
 */

import assert from "node:assert/strict";
import { Ws, type WsListenOptions } from "../../adapters/ws.ts";
import type { Listening } from "../../mod.ts";
import { join, type TestNode, type World } from "../conformance/_nodes.ts";
import { rawConnect, rawListen, type RawPeer } from "../conformance/_raw.ts";
import type { TransportRow } from "../conformance/_transports.ts";
import {
  decoded,
  frameBytes,
  type FrameSpec,
} from "../framing/_web_socket_frames.ts";
import { KEY_EXAMPLE } from "../vectors/rfc6455.ts";

const latin1 = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
const ascii = (text: string): Uint8Array =>
  Uint8Array.from(text, (character) => character.charCodeAt(0));

/** The table's row for `Ws`, as far as raw sockets and nodes need it. */
export const wsRow: TransportRow = {
  name: "Ws",
  adapter: Ws,
  isOriented: true,
  isPacket: true,
  isReliable: true,
  raw: "port",
  isVarint: false,
  listenAddress: () => "127.0.0.1:0",
  peerAddress: ({ port }) => ({ hostname: "127.0.0.1", port }),
};

/** The request of a client, with lines of one's own instead of some or beside them. */
export function requestText(
  lines: readonly string[] = [],
  target = "/",
): string {
  return [
    `GET ${target} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Key: ${KEY_EXAMPLE.key}`,
    "Sec-WebSocket-Version: 13",
    ...lines,
    "",
    "",
  ].join("\r\n");
}

/** A raw peer past its handshake. */
export class RawWebSocket {
  readonly peer: RawPeer;
  readonly #isClient: boolean;
  readonly #headSize: number;

  constructor(peer: RawPeer, isClient: boolean, headSize: number) {
    this.peer = peer;
    this.#isClient = isClient;
    this.#headSize = headSize;
  }

  /** Sends frames in one write. */
  send(...frames: FrameSpec[]): void {
    for (const frame of frames) {
      this.peer.write(frameBytes(frame, this.#isClient));
    }
  }

  /** What has come so far, in words. */
  log(): string[] {
    return decoded([this.peer.bytes().slice(this.#headSize)], {
      isServer: !this.#isClient,
    });
  }

  /** Waits until what came ends with these bytes, after so many before them at least. */
  async tail(bytes: Uint8Array, least: number): Promise<void> {
    const { peer } = this;
    await peer.until(`an end of ${bytes}`, () => {
      if (peer.received < least + bytes.length) return false;
      // Each of the last chunks has a byte at least: more of them cannot be needed.
      const end = join(peer.chunks.slice(-bytes.length)).slice(-bytes.length);
      return end.every((byte, at) => byte === bytes[at]);
    });
  }

  /** Waits for so many frames and messages. */
  async logOf(count: number): Promise<string[]> {
    await this.peer.until(
      `${count} frames`,
      () => this.log().length >= count,
    );
    return this.log();
  }
}

/** Says a text to a listener and waits for the head of its answer. */
export async function rawRequest(
  world: World,
  listening: Listening,
  text: string,
): Promise<{ peer: RawPeer; head: string }> {
  const peer = await rawConnect(world, wsRow, listening);
  peer.write(ascii(text));
  const head = await headOf(peer);
  return { peer, head };
}

async function headOf(peer: RawPeer): Promise<string> {
  await peer.until(
    "a head",
    () => latin1(peer.bytes()).includes("\r\n\r\n"),
  );
  const text = latin1(peer.bytes());
  return text.slice(0, text.indexOf("\r\n\r\n") + 4);
}

/** A node that listens, and a raw client past the handshake. */
export async function rawClient(
  world: World,
  options?: WsListenOptions,
): Promise<{ server: TestNode; listening: Listening; raw: RawWebSocket }> {
  const server = world.node("the server");
  const listening = await server.network.listen(Ws, "127.0.0.1:0", options);
  const { peer, head } = await rawRequest(world, listening, requestText());
  assert.match(head, /^HTTP\/1\.1 101 /);
  await server.event("accepted");
  return { server, listening, raw: new RawWebSocket(peer, true, head.length) };
}

/** A raw listener that answers each request with a text made of its head. */
export async function rawServer(
  world: World,
  answer: (head: string, peer: RawPeer) => string | undefined,
): Promise<{ port: number; sockets: RawWebSocket[] }> {
  const sockets: RawWebSocket[] = [];
  const { port } = await rawListen(world, (peer) => {
    void headOf(peer).then((head) => {
      const text = answer(head, peer);
      if (text !== undefined) peer.write(ascii(text));
      sockets.push(new RawWebSocket(peer, false, head.length));
    }, () => {});
  });
  return { port, sockets };
}
