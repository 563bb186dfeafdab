/**
 * How a peer of the benchmark comes to its connections.
 *
 * @module
 */

import { type PeerCommand, report } from "./_peer_command.ts";

/** Connections that are made at once: more would pass the system's backlog. */
const CONNECTIONS_AT_ONCE = 64;

/** Makes as many connections as the command asks for, and tells when they are there. */
export async function connectAll(
  { address, connections }: PeerCommand,
  connect: () => Promise<unknown>,
): Promise<void> {
  for (let made = 0; made < connections; made += CONNECTIONS_AT_ONCE) {
    const length = Math.min(CONNECTIONS_AT_ONCE, connections - made);
    await Promise.all(Array.from({ length }, connect));
  }
  report({ ready: true, address });
}

/** Takes connections, and begins with all of them when there are as many as the command asks for. */
export function whenAllAreThere<To>(
  { connections }: PeerCommand,
  begin: (all: readonly To[]) => void,
): (opened: To) => void {
  const all: To[] = [];
  return (opened) => {
    all.push(opened);
    if (all.length === connections) begin(all);
  };
}
