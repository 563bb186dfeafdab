/**
 * A gate between a TCP socket and the TLS over it, which holds back what is read.
 *
 * @module
 */

import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { nodeBuiltin } from "./_node_builtins.ts";
import { defer } from "./_turn.ts";

/** More than an alert takes, with the head and tail of its record, in bytes. */
const ALERT_SIZE = 256;

/** How long an alert may take to leave a socket whose peer does not read, in milliseconds. */
const ALERT_TIMEOUT_MS = 1_000;

/**
 * The stream that TLS runs over instead of the socket itself: pausing the socket
 * then stops TLS too.
 *
 * For Deno, whose TLS reads on from a socket of its own while it is paused, and
 * keeps without bound what comes (measured: all of 100 MB, where Node and Bun
 * stop after 4).
 */
export function gateOver(socket: Socket): Duplex {
  const { Duplex } = nodeBuiltin("node:stream");
  const gate = new Duplex({
    allowHalfOpen: true,
    // The socket is read by its own measure.
    read() {},
    write(chunk: Uint8Array, _encoding, done) {
      socket.write(chunk, done);
    },
    final(done) {
      socket.end(() => done());
    },
    destroy(error, done) {
      // An alert may be on its way; more than that is given up.
      if (socket.connecting || socket.writableLength > ALERT_SIZE) {
        socket.destroy();
      } else {
        if (socket.writableLength > 0) limitAlert(socket);
        socket.destroySoon();
      }
      done(error);
    },
  });
  // TLS lets go of what is below before it writes the alert that tells why.
  const destroy = gate.destroy.bind(gate);
  gate.destroy = (error) => {
    defer(() => destroy(error));
    return gate;
  };
  socket.on("data", (chunk) => void gate.push(chunk));
  socket.on("end", () => void gate.push(null));
  socket.on("error", (error) => void gate.destroy(error));
  socket.on("close", () => void gate.destroy());
  return gate;
}

function limitAlert(socket: Socket): void {
  const timer = setTimeout(() => socket.destroy(), ALERT_TIMEOUT_MS);
  socket.once("close", () => clearTimeout(timer));
}
