/**
 * The transports of the conformance table: one row each, and nothing else in
 * the table names a transport where a property of its row will do.
 *
 * @module
 */

import process from "node:process";
import {
  type Adapter,
  type Address,
  type ConnectOptions,
  type ListenOptions,
  type SocketAddress,
  type TcpConnectOptions,
  type TcpListenOptions,
  type TlsConnectOptions,
  type TlsListenOptions,
  Transport,
} from "../../mod.ts";
import { Template } from "../../adapters/template.ts";
import { tempSocketPath } from "../_support.ts";
import { CA, identity } from "../tls/_certificates.ts";

/** What the table has to know of one transport. */
export interface TransportRow {
  /** Opens the name of each test. */
  readonly name: string;
  readonly adapter: Adapter<ConnectOptions, ListenOptions>;
  /** Peers connect: `accepted` and `disconnected` exist. */
  readonly isOriented: boolean;
  /** A message arrives as it was sent, not as a piece of a stream. */
  readonly isPacket: boolean;
  /** Nothing is lost, and all is in order. */
  readonly isReliable: boolean;
  /** How raw sockets reach its listeners: by port, by path, or not at all. */
  readonly raw: "port" | "path" | undefined;
  /** Its frames are bytes behind a varint length. */
  readonly isVarint: boolean;
  /** A place to listen at that nobody else uses. */
  listenAddress(): Address;
  /** How a peer reaches what listens there. */
  peerAddress(address: SocketAddress): Address;
}

function byPort(address: SocketAddress): Address {
  return { hostname: "127.0.0.1", port: address.port };
}

function byPath(address: SocketAddress): Address {
  return { path: address.path };
}

/** Where the system chooses the port. */
const ANY_PORT = "127.0.0.1:0";

const tcp: TransportRow = {
  name: "Tcp",
  adapter: Transport.Tcp,
  isOriented: true,
  isPacket: false,
  isReliable: true,
  raw: "port",
  isVarint: false,
  listenAddress: () => ANY_PORT,
  peerAddress: byPort,
};

const framedTcp: TransportRow = {
  ...tcp,
  name: "FramedTcp",
  adapter: Transport.FramedTcp,
  isPacket: true,
  isVarint: true,
};

const udp: TransportRow = {
  ...tcp,
  name: "Udp",
  adapter: Transport.Udp,
  isOriented: false,
  isPacket: true,
  isReliable: false,
  raw: undefined,
};

const ws: TransportRow = {
  ...tcp,
  name: "Ws",
  adapter: Transport.Ws,
  isPacket: true,
};

const listenTls: TlsListenOptions = identity("server");
const connectTls: TlsConnectOptions = { ca: CA, serverName: "server.test" };

/** The row of a transport with TLS under it: whatever is promised holds there too. */
function withTls(
  row: TransportRow,
  adapter: Adapter<TcpConnectOptions, TcpListenOptions>,
): TransportRow {
  const name = `${row.name} with TLS`;
  return {
    ...row,
    name,
    adapter: {
      ...adapter,
      // Each row has its own number.
      id: 16 + adapter.id,
      name,
      connect: (host, address, options, events) =>
        adapter.connect(host, address, { ...options, tls: connectTls }, events),
      listen: (host, address, options, events) =>
        adapter.listen(host, address, { ...options, tls: listenTls }, events),
    },
    // Raw sockets speak no TLS.
    raw: undefined,
  };
}

let memoryNames = 0;

const memory: TransportRow = {
  ...tcp,
  name: "Memory",
  adapter: Transport.Memory,
  isPacket: true,
  raw: undefined,
  listenAddress: () => `memory:conformance-${memoryNames += 1}`,
  peerAddress: byPath,
};

const unix: TransportRow = {
  ...tcp,
  name: "Unix",
  adapter: Transport.Unix,
  raw: "path",
  listenAddress: () => ({ path: tempSocketPath() }),
  peerAddress: byPath,
};

const framedUnix: TransportRow = {
  ...unix,
  name: "FramedUnix",
  adapter: Transport.FramedUnix,
  isPacket: true,
  isVarint: true,
};

/** The adapter that users copy to write their own keeps every promise too. */
const template: TransportRow = {
  ...memory,
  name: "Template",
  adapter: Template,
  listenAddress: () => ({ path: `conformance-${memoryNames += 1}` }),
};

/** Windows has no Unix sockets of the kind that the three runtimes share. */
const unixRows = process.platform === "win32" ? [] : [unix, framedUnix];

/** Every transport. */
export const transports: readonly TransportRow[] = [
  tcp,
  framedTcp,
  udp,
  ws,
  ...unixRows,
  memory,
  template,
  withTls(framedTcp, Transport.FramedTcp),
  withTls(ws, Transport.Ws),
];

/**
 * A place to listen at that nobody else is given while nobody listens there:
 * its port is below those that systems hand out, to listeners and connections.
 * Rarely another run of the tests has it.
 */
export function lastingAddress(row: TransportRow): Address {
  const address = row.listenAddress();
  if (address !== ANY_PORT) return address;
  const port = 10_000 + Math.floor(6_000 * Math.random());
  return { hostname: "127.0.0.1", port };
}

/** Those whose peers connect. */
export const oriented: readonly TransportRow[] = transports.filter((row) =>
  row.isOriented
);

/** Those that carry whole messages and lose none. */
export const packets: readonly TransportRow[] = transports.filter((row) =>
  row.isPacket && row.isReliable
);

/** Those that carry bytes without boundaries. */
export const streams: readonly TransportRow[] = transports.filter((row) =>
  !row.isPacket
);

/** Those that raw sockets can talk to in varint frames. */
export const varintRows: readonly TransportRow[] = transports.filter((row) =>
  row.isVarint && row.raw !== undefined
);

/** Those that raw sockets can talk to in plain bytes or varint frames. */
export const rawRows: readonly TransportRow[] = transports.filter((row) =>
  row.raw !== undefined && (row.isVarint || !row.isPacket)
);
