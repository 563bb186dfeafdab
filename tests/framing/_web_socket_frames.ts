/**
 * Frames built by hand, apart from the library's own encoder, and a decoder's findings as text.
 *
 * @module
 */

import { WebSocketDecoder } from "../../framing/web_socket_decoder.ts";
import type {
  WebSocketDecoderOptions,
  WebSocketSink,
} from "../../framing/web_socket_decoder.ts";

export const utf8 = (text: string): Uint8Array =>
  new TextEncoder().encode(text);

export function bytesOf(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, "");
  return Uint8Array.from(
    { length: digits.length / 2 },
    (_, i) => parseInt(digits.slice(i * 2, i * 2 + 2), 16),
  );
}

export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join(" ");
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** One frame, right or wrong as asked. */
export interface FrameSpec {
  readonly opcode: number;
  readonly data?: Uint8Array | string;
  readonly fin?: boolean;
  readonly rsv?: number;
  /** A length to claim instead of the real one. */
  readonly claim?: number | bigint;
  /** Bytes of length to use instead of the fewest: 0, 2 or 8. */
  readonly lengthBytes?: 0 | 2 | 8;
  /** Whether to mask; default: what the receiver expects. */
  readonly masked?: boolean;
}

export function frameBytes(spec: FrameSpec, isServer: boolean): Uint8Array {
  const data = typeof spec.data === "string"
    ? utf8(spec.data)
    : spec.data ?? new Uint8Array(0);
  const size = BigInt(spec.claim ?? data.length);
  const lengthBytes = spec.lengthBytes ??
    (size < 126n ? 0 : size < 65_536n ? 2 : 8);
  const isMasked = spec.masked ?? isServer;
  const head = [
    (spec.fin === false ? 0 : 0x80) | ((spec.rsv ?? 0) << 4) | spec.opcode,
  ];
  const short = lengthBytes === 0
    ? Number(size)
    : lengthBytes === 2
    ? 126
    : 127;
  head.push((isMasked ? 0x80 : 0) | short);
  for (let i = lengthBytes - 1; i >= 0; i--) {
    head.push(Number((size >> BigInt(i * 8)) & 0xffn));
  }
  if (!isMasked) return joined([Uint8Array.from(head), data]);
  const key = [0x12 + data.length & 0xff, 0xfe, 0x80, 0x5b];
  return joined([
    Uint8Array.from([...head, ...key]),
    data.map((byte, i) => byte ^ (key[i & 3] ?? 0)),
  ]);
}

export function framesBytes(
  specs: readonly FrameSpec[],
  isServer: boolean,
): Uint8Array {
  return joined(specs.map((spec) => frameBytes(spec, isServer)));
}

const show = (data: Uint8Array): string => {
  try {
    return JSON.stringify(
      new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data),
    );
  } catch {
    return hexOf(data);
  }
};

/** Writes down what it is told. */
export class LogSink implements WebSocketSink {
  readonly log: string[] = [];
  message(data: Uint8Array, isText: boolean): boolean {
    this.log.push(`${isText ? "text" : "binary"} ${show(data)}`);
    return true;
  }
  ping(data: Uint8Array): void {
    this.log.push(`ping ${show(data)}`);
  }
  pong(data: Uint8Array): void {
    this.log.push(`pong ${show(data)}`);
  }
  close(code: number, reason: string): void {
    this.log.push(`close ${code} ${JSON.stringify(reason)}`);
  }
}

/** Cuts bytes into chunks of their own at these offsets. */
export function cut(
  bytes: Uint8Array,
  offsets: readonly number[],
): Uint8Array[] {
  const sorted = [...new Set(offsets)].filter((at) =>
    at > 0 && at < bytes.length
  )
    .sort((a, b) => a - b);
  let start = 0;
  return [...sorted, bytes.length].map((end) => {
    const chunk = bytes.slice(start, end);
    start = end;
    return chunk;
  });
}

/** What a decoder makes of these chunks, a fault as the last line. */
export function decoded(
  chunks: readonly Uint8Array[],
  options: Partial<WebSocketDecoderOptions> & { readonly isServer: boolean },
): string[] {
  const decoder = new WebSocketDecoder({ maxMessageSize: 1 << 20, ...options });
  const sink = new LogSink();
  for (const chunk of chunks) {
    const fault = decoder.push(chunk, sink);
    if (fault !== undefined) {
      sink.log.push(`fault ${fault.code} ${fault.closeCode}`);
    }
  }
  return sink.log;
}

/** The same bytes in one piece, byte by byte, and cut by three fixed patterns. */
export function cuttings(bytes: Uint8Array): [string, Uint8Array[]][] {
  const every = (step: number) =>
    cut(bytes, Array.from({ length: bytes.length }, (_, i) => i * step));
  return [
    ["whole", [bytes.slice()]],
    ["byte by byte", every(1)],
    ["by threes", every(3)],
    ["by sevens", every(7)],
    ["by 997", every(997)],
  ];
}
