/**
 * What the client and the server say to each other: lines of text.
 *
 *     client: ping
 *     server: pong 3          (how often this client has pinged)
 *     server: unknown pong    (over UDP: nobody is connected, so nobody is counted)
 *
 * Framed transports and UDP keep the boundaries of messages; raw TCP and Unix
 * sockets do not, so a message ends with a newline and {@linkcode LineReader}
 * puts the pieces together again.
 *
 * @module
 */

import { type Adapter, Transport } from "../../mod.ts";

/** The transports by the names that the command line has for them. */
const TRANSPORTS: ReadonlyMap<string, Adapter> = new Map<string, Adapter>([
  ["tcp", Transport.Tcp],
  ["framed_tcp", Transport.FramedTcp],
  ["udp", Transport.Udp],
  ["ws", Transport.Ws],
  ["unix", Transport.Unix],
  ["framed_unix", Transport.FramedUnix],
]);

/** The transport of a name. Throws for any other name. */
export function transportNamed(name: string | undefined): Adapter {
  const transport = TRANSPORTS.get(name ?? "");
  if (transport !== undefined) return transport;
  throw new Error(
    `the first argument must be one of ${[...TRANSPORTS.keys()].join(", ")}`,
  );
}

/** No line of this protocol is longer: a peer that sends more of one speaks something else. */
const MAX_LINE_LENGTH = 64;

/** Makes lines out of the pieces that one peer's messages come in. */
export class LineReader {
  readonly #decoder = new TextDecoder();
  #rest = "";

  /** The lines that this piece completes, without their ends. Throws when a line is too long. */
  take(data: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.decode(data, { stream: true }))
      .split("\n");
    this.#rest = lines.pop() ?? "";
    if ([this.#rest, ...lines].some((line) => line.length > MAX_LINE_LENGTH)) {
      throw new RangeError("a line is too long");
    }
    return lines;
  }
}
