/**
 * The peer on the runtime's own sockets: TCP as it is, varint frames by hand,
 * and datagrams. `README.md` has its command line.
 *
 * @module
 */

import { connectAll } from "../_connecting.ts";
import {
  endWithInput,
  fail,
  readPeerCommand,
  refuse,
  report,
} from "../_peer_command.ts";
import type { Flight } from "../_ping.ts";
import { datagrams } from "./_datagrams.ts";
import { FrameReader, FrameWriter } from "./_frames.ts";
import { createRole, type Link, type Role } from "./_roles.ts";
import { type RawHandlers, type RawSocket, rawSockets } from "./_sockets.ts";

/** A source waits when so much is queued. */
const HIGH_WATER = 1 << 20;

const command = readPeerCommand();
const sockets = rawSockets();
endWithInput();

/** A TCP connection without messages. */
class StreamLink implements Link {
  readonly #socket: RawSocket;
  flight: Flight | undefined;

  constructor(socket: RawSocket) {
    this.#socket = socket;
  }

  send(payload: Uint8Array): boolean {
    this.#socket.write(payload);
    return this.#socket.pending < HIGH_WATER;
  }

  flush(): void {}

  writable(): Promise<void> {
    return this.#socket.drained();
  }

  close(): Promise<void> {
    return this.#socket.end();
  }
}

/** A TCP connection with varint frames. */
class FramedLink implements Link {
  readonly #socket: RawSocket;
  readonly #writer: FrameWriter;
  readonly reader = new FrameReader();
  readonly take: (payload: Uint8Array) => void;
  flight: Flight | undefined;

  constructor(socket: RawSocket, role: Role) {
    this.#socket = socket;
    this.#writer = new FrameWriter(socket);
    this.take = (payload) => role.message(this, payload);
  }

  send(payload: Uint8Array): boolean {
    this.#writer.write(payload);
    return this.#socket.pending < HIGH_WATER;
  }

  flush(): void {
    this.#writer.flush();
  }

  writable(): Promise<void> {
    return this.#socket.drained();
  }

  close(): Promise<void> {
    return this.#socket.end();
  }
}

function streamHandlers(role: Role): RawHandlers<StreamLink> {
  // What an echo sends may have to wait in the socket.
  const copies = command.mode === "echo" && sockets.lendsChunks;
  return {
    open(socket) {
      const link = new StreamLink(socket);
      role.opened(link);
      return link;
    },
    data(link, chunk) {
      role.message(link, copies ? chunk.slice() : chunk);
    },
    close: (link) => role.closed(link),
  };
}

function framedHandlers(role: Role): RawHandlers<FramedLink> {
  return {
    open(socket) {
      const link = new FramedLink(socket, role);
      role.opened(link);
      return link;
    },
    data(link, chunk) {
      link.reader.read(chunk, link.take);
      link.flush();
    },
    close: (link) => role.closed(link),
  };
}

async function open<T>(handlers: RawHandlers<T>): Promise<void> {
  const { hostname, port } = new URL(`tcp://${command.address}`);
  if (command.isListening) {
    const bound = await sockets.listen(hostname, Number(port), handlers);
    report({ ready: true, address: `${hostname}:${bound}` });
    return;
  }
  await connectAll(
    command,
    () => sockets.connect(hostname, Number(port), handlers),
  );
}

switch (command.transport) {
  case "tcp":
    open(streamHandlers(createRole(command, { isStream: true }))).catch(fail);
    break;
  case "framed-tcp":
    open(framedHandlers(createRole(command))).catch(fail);
    break;
  case "udp":
    datagrams(command).catch(fail);
    break;
  default:
    refuse(`there is no transport ${command.transport}`);
}
