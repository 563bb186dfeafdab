/**
 * What sender and receiver say to each other over framed TCP, one transfer a
 * connection:
 *
 *     sender                                receiver
 *     {"type":"request","name","size"}  →
 *                                       ←   {"type":"accept"} or {"type":"refuse","reason"}
 *     chunks: the bytes of the file     →
 *     {"type":"checksum","sha256"}      →
 *                                       ←   {"type":"done"} or {"type":"refuse","reason"}
 *
 * The size tells where the chunks end, so nothing has to mark them as such.
 *
 * @module
 */

/** Bytes of a chunk; also the largest message that a receiver takes. */
export const CHUNK_SIZE = 64 * 1024;

export type FromSender =
  | { readonly type: "request"; readonly name: string; readonly size: number }
  | { readonly type: "checksum"; readonly sha256: string };

export type FromReceiver =
  | { readonly type: "accept" }
  | { readonly type: "refuse"; readonly reason: string }
  | { readonly type: "done" };

/** Undefined for what is not of this protocol: a peer may send anything. */
export function decodeFromSender(data: Uint8Array): FromSender | undefined {
  const { type, name, size, sha256 } = parse(data);
  if (
    type === "request" && typeof name === "string" &&
    typeof size === "number" && Number.isSafeInteger(size) && size >= 0
  ) return { type, name, size };
  if (type === "checksum" && typeof sha256 === "string") {
    return { type, sha256 };
  }
  return undefined;
}

/** Undefined for what is not of this protocol. */
export function decodeFromReceiver(data: Uint8Array): FromReceiver | undefined {
  const { type, reason } = parse(data);
  if (type === "accept" || type === "done") return { type };
  if (type === "refuse" && typeof reason === "string") return { type, reason };
  return undefined;
}

function parse(data: Uint8Array): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(data));
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
