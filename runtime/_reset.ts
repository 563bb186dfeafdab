/**
 * Resets of `node:net` sockets.
 *
 * @module
 */

import type { Socket } from "node:net";

/**
 * Drops a connection with a reset, or with a plain end while its own end is on
 * its way: the system interface under Node (libuv) refuses to reset a socket that
 * is being shut down, and Node has then let go of the handle. No `close` would
 * ever come, and the descriptor would stay open.
 *
 * @param socket The TCP socket.
 * @param written Where the output was ended: the socket itself, or the TLS over it.
 */
export function resetSocket(socket: Socket, written: Socket = socket): void {
  // With output that waits the shutdown has not begun.
  const isShuttingDown = written.writableEnded && !written.writableFinished &&
    written.writableLength === 0;
  if (isShuttingDown) socket.destroy();
  else socket.resetAndDestroy();
}
