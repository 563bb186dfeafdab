/**
 * Datagram sockets of the runtime itself, in each mode of the bare peer.
 *
 * @module
 */

import dgram from "node:dgram";
import { connectAll } from "../_connecting.ts";
import { type PeerCommand, report } from "../_peer_command.ts";
import type { Flight } from "../_ping.ts";
import { createRole, greets, type Link, type Role } from "./_roles.ts";

/** Datagrams on their way after which a source waits. */
const MAX_IN_FLIGHT = 256;

/** The other side of a socket. */
class DatagramLink implements Link {
  readonly #send: (payload: Uint8Array, sent: () => void) => void;
  #inFlight = 0;
  #resolve: (() => void) | undefined;
  flight: Flight | undefined;

  constructor(send: (payload: Uint8Array, sent: () => void) => void) {
    this.#send = send;
  }

  send(payload: Uint8Array): boolean {
    this.#inFlight += 1;
    this.#send(payload, this.#sent);
    return this.#inFlight < MAX_IN_FLIGHT;
  }

  readonly #sent = (): void => {
    this.#inFlight -= 1;
    if (this.#inFlight > 0 || this.#resolve === undefined) return;
    this.#resolve();
    this.#resolve = undefined;
  };

  flush(): void {}

  writable(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve();
    return new Promise((resolve) => this.#resolve = resolve);
  }

  close(): Promise<void> {
    return this.writable();
  }
}

/** The others by their addresses, made when they are first heard of. */
class Others {
  readonly #links = new Map<string, DatagramLink>();
  readonly #role: Role;

  constructor(role: Role) {
    this.#role = role;
  }

  heard(
    key: string,
    data: Uint8Array,
    make: () => DatagramLink,
  ): void {
    let link = this.#links.get(key);
    if (link === undefined) {
      link = make();
      this.#links.set(key, link);
      this.#role.opened(link);
    }
    this.#role.message(link, data);
  }
}

/** Runs the mode that was asked for over datagrams. */
export async function datagrams(command: PeerCommand): Promise<void> {
  const role = createRole(command, { isDatagram: true });
  const { hostname, port } = new URL(`udp://${command.address}`);
  const open = opener();
  const others = new Others(role);
  const place = { hostname, port: Number(port) };
  if (command.isListening) {
    const bound = await open({ ...place, role, others });
    report({ ready: true, address: `${hostname}:${bound}` });
    return;
  }
  await connectAll(
    command,
    () =>
      open({ ...place, role, others, peer: place, greets: greets(command) }),
  );
}

interface Opening {
  readonly hostname: string;
  readonly port: number;
  readonly role: Role;
  readonly others: Others;
  /** The only other side, of a socket that connects. */
  readonly peer?: { readonly hostname: string; readonly port: number };
  readonly greets?: boolean;
}

type Open = (opening: Opening) => Promise<number>;

function opener(): Open {
  const bun: unknown = Reflect.get(globalThis, "Bun");
  if (isBun(bun)) return (opening) => openBun(bun, opening);
  if ("Deno" in globalThis && "listenDatagram" in Deno) return openDeno;
  return openNode;
}

function openNode(opening: Opening): Promise<number> {
  const { hostname, port, role, others, peer } = opening;
  const socket = dgram.createSocket("udp4");
  return new Promise((resolve, reject) => {
    // Once it is bound, an error is that of a single datagram.
    socket.on("error", reject);
    if (peer !== undefined) {
      socket.connect(peer.port, peer.hostname, () => {
        const link = new DatagramLink((payload, sent) =>
          socket.send(payload, sent)
        );
        socket.on("message", (data) => role.message(link, data));
        if (opening.greets) socket.send(new Uint8Array());
        role.opened(link);
        resolve(socket.address().port);
      });
      return;
    }
    socket.on(
      "message",
      (data, { address, port }) =>
        others.heard(
          `${address}:${port}`,
          data,
          () =>
            new DatagramLink((payload, sent) =>
              socket.send(payload, port, address, sent)
            ),
        ),
    );
    socket.bind(port, hostname, () => resolve(socket.address().port));
  });
}

function openDeno(opening: Opening): Promise<number> {
  const { hostname, port, role, others, peer } = opening;
  const socket = Deno.listenDatagram({
    transport: "udp",
    hostname,
    port: peer === undefined ? port : 0,
  });
  const linkTo = (to: Deno.NetAddr) =>
    new DatagramLink((payload, sent) => {
      socket.send(payload, to).then(sent, sent);
    });
  const own = peer && linkTo({ transport: "udp", ...peer });
  void (async () => {
    const buffer = new Uint8Array(65_536);
    for (;;) {
      const [data, from] = await socket.receive(buffer);
      if (own !== undefined) {
        role.message(own, data);
        continue;
      }
      if (from.transport !== "udp") continue;
      others.heard(
        `${from.hostname}:${from.port}`,
        // Held by `send` until it has gone.
        data.slice(),
        () => linkTo(from),
      );
    }
  })();
  if (own !== undefined) {
    if (opening.greets) own.send(new Uint8Array());
    role.opened(own);
  }
  return Promise.resolve(
    socket.addr.transport === "udp" ? socket.addr.port : 0,
  );
}

/** The part of Bun's API that is used here. */
interface BunApi {
  udpSocket(options: {
    hostname?: string;
    port?: number;
    connect?: { hostname: string; port: number };
    binaryType: "uint8array";
    socket: {
      data(
        socket: BunDatagrams,
        data: Uint8Array,
        port: number,
        address: string,
      ): void;
      drain(socket: BunDatagrams): void;
      error(socket: BunDatagrams, error: Error): void;
    };
  }): Promise<BunDatagrams>;
}

interface BunDatagrams {
  readonly port: number;
  send(data: Uint8Array, port?: number, address?: string): boolean;
}

function isBun(value: unknown): value is BunApi {
  return typeof value === "object" && value !== null && "udpSocket" in value;
}

async function openBun(bun: BunApi, opening: Opening): Promise<number> {
  const { hostname, port, role, others, peer } = opening;
  let own: DatagramLink | undefined;
  const waiting: (() => void)[] = [];
  const linkTo = (send: (payload: Uint8Array) => boolean) => {
    const attempt = (payload: Uint8Array, sent: () => void) => {
      if (send(payload)) sent();
      // It was not taken: again when there is room.
      else waiting.push(() => attempt(payload, sent));
    };
    return new DatagramLink(attempt);
  };
  const socket = await bun.udpSocket({
    ...(peer === undefined ? { hostname, port } : { connect: { ...peer } }),
    binaryType: "uint8array",
    socket: {
      data(socket, data, port, address) {
        if (own !== undefined) role.message(own, data);
        else if (peer === undefined) {
          others.heard(
            `${address}:${port}`,
            data,
            () => linkTo((payload) => socket.send(payload, port, address)),
          );
        }
      },
      drain() {
        for (const again of waiting.splice(0)) again();
      },
      error() {},
    },
  });
  if (peer !== undefined) {
    own = linkTo((payload) => socket.send(payload));
    if (opening.greets) own.send(new Uint8Array());
    role.opened(own);
  }
  return socket.port;
}
