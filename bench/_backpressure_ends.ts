/**
 * Whether a node that is paused hears that a peer has gone.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { createNode, FramedTcp } from "../mod.ts";
import { pause } from "./_memory.ts";

/** What to measure. */
export interface EndsTask {
  readonly part: "ends while paused";
}

/** Whether the node knew of the end of a connection before it read on. */
export interface EndsResult {
  readonly fin: boolean;
  readonly reset: boolean;
}

/** Ends connections of a paused node: by FIN, and by reset. */
export async function endsWhilePaused(): Promise<EndsResult> {
  const fin = await isHeard((socket) => socket.end());
  const reset = await isHeard((socket) => socket.resetAndDestroy());
  return { fin, reset };
}

async function isHeard(end: (socket: Socket) => void): Promise<boolean> {
  // Nobody takes the events: the first of them pauses the node.
  const { handler } = createNode({ maxQueuedEvents: 1 });
  const { address } = await handler.network.listen(FramedTcp, "127.0.0.1:0");
  const socket = connect(address.port, "127.0.0.1");
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  while (!handler.stats().isPaused) await pause(5);
  socket.write(new Uint8Array(100_000));
  await pause(50);
  end(socket);
  await pause(500);
  const isKnown = handler.stats().connections === 0;
  socket.destroy();
  await handler.stop();
  await closed;
  return isKnown;
}
