/**
 * Raw sockets that say an input and go, in one of several ways.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { cuts, pieces } from "./_mutate.ts";
import type { Random } from "./_random.ts";

/** Where a raw socket goes. */
export type RawTarget =
  | { readonly host: string; readonly port: number }
  | { readonly path: string };

const turn = (): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, 0));

/** A few writes, however an input is cut: what is between them is the same to the receiver. */
const MAX_WRITES = 12;

/** How a socket goes. */
export interface PlayOptions {
  /** Whether it can be reset. Default: true. */
  readonly isTcp?: boolean;
  /** Whether the peer must end what it cannot go on with, unasked. Default: false. */
  readonly waits?: boolean;
}

/** Says the input in pieces, then ends, vanishes or resets, and waits until the socket is closed. */
export async function play(
  socket: Socket,
  input: Uint8Array,
  random: Random,
  { isTcp = true, waits = false }: PlayOptions = {},
): Promise<void> {
  const closed = new Promise<void>((resolve) =>
    socket.once("close", () => resolve())
  );
  // The peer refuses as it likes; what matters is that it goes on.
  socket.on("error", () => {});
  socket.resume();
  const ending = random.below(10);
  const parts = pieces(input, cuts(random, input.length)).slice(0, MAX_WRITES);
  const said = parts.reduce((size, part) => size + part.length, 0);
  if (said < input.length) parts.push(input.slice(said));
  const last = ending === 0 ? random.below(parts.length + 1) : parts.length;
  const pausesEvery = random.from(1, 6);
  for (const [i, part] of parts.slice(0, last).entries()) {
    if (socket.destroyed) break;
    socket.write(part);
    if (i % pausesEvery === 0) await turn();
  }
  if (ending <= 1) socket.destroy();
  else if (ending === 2 && isTcp) socket.resetAndDestroy();
  else if (!socket.destroyed && !waits) socket.end();
  await closed;
}

/** Attacks a listener over a connection of its own. */
export async function attackStream(
  target: RawTarget,
  input: Uint8Array,
  random: Random,
  waits = false,
): Promise<void> {
  const socket = connect({ ...target, noDelay: true });
  const connected = await new Promise<boolean>((resolve) => {
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  if (!connected) throw new Error("the listener accepts nobody any more");
  await play(socket, input, random, { isTcp: "port" in target, waits });
}
