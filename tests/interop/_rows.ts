/**
 * What each Rust peer speaks, and where its limits are.
 *
 * @module
 */

import {
  type Adapter,
  type ConnectOptions,
  framedTcp,
  type ListenOptions,
  messagePackFraming,
  taggedFraming,
  Transport,
} from "../../mod.ts";
import { messagePack, protobuf } from "./_messages.ts";

/** One peer with one transport. */
export interface InteropRow {
  /** Opens the name of each test. */
  readonly name: string;
  readonly peer: "message-io" | "protosocket" | "connect";
  /** The peer's name of the transport. */
  readonly transport: string;
  readonly adapter: Adapter<ConnectOptions, ListenOptions>;
  /** The message that carries some bytes. */
  readonly wrap: (data: Uint8Array) => Uint8Array;
  readonly minSize: number;
  readonly maxSize: number;
  /** Messages that may be on their way to the peer and back. */
  readonly window: number;
  readonly isStream?: boolean;
  readonly isDatagram?: boolean;
  readonly hasTags?: boolean;
}

const MIB = 1 << 20;

function same(data: Uint8Array): Uint8Array {
  return data;
}

const whole = {
  wrap: same,
  minSize: 0,
  maxSize: MIB,
  window: 64,
} as const;

/** Streams and frames over TCP, datagrams, and WebSocket. */
export const ROWS: readonly InteropRow[] = [
  {
    ...whole,
    name: "message-io FramedTcp",
    peer: "message-io",
    transport: "framed-tcp",
    adapter: Transport.FramedTcp,
  },
  {
    ...whole,
    name: "message-io Tcp",
    peer: "message-io",
    transport: "tcp",
    adapter: Transport.Tcp,
    isStream: true,
  },
  {
    ...whole,
    name: "message-io Ws",
    peer: "message-io",
    transport: "ws",
    adapter: Transport.Ws,
    // Of several frames in one read it hands out the first, and the others when more comes.
    window: 1,
  },
  {
    ...whole,
    name: "message-io Udp",
    peer: "message-io",
    transport: "udp",
    adapter: Transport.Udp,
    maxSize: 65_507,
    // Several large ones would not fit into the buffer of a socket.
    window: 1,
    isDatagram: true,
  },
  {
    ...whole,
    name: "protosocket with the frames of FramedTcp",
    peer: "protosocket",
    transport: "framed-tcp",
    adapter: Transport.FramedTcp,
  },
  {
    ...whole,
    name: "protosocket prost",
    peer: "protosocket",
    transport: "prost",
    adapter: Transport.FramedTcp,
    wrap: protobuf,
  },
  {
    ...whole,
    name: "protosocket MessagePack",
    peer: "protosocket",
    transport: "message-pack",
    adapter: framedTcp({ framing: messagePackFraming }),
    wrap: messagePack,
  },
  {
    ...whole,
    name: "connect",
    peer: "connect",
    transport: "tagged",
    adapter: framedTcp({ framing: taggedFraming }),
    // An empty message is an error there.
    minSize: 1,
    hasTags: true,
  },
];
