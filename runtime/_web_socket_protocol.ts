/**
 * What all WebSockets of the drivers share of the protocol (RFC 6455).
 *
 * @module
 */

/** The `readyState` of a socket that is open (WHATWG WebSockets). */
export const OPEN = 1;
/** The close code of a connection that ended without a close frame (7.1.5). */
export const ABNORMAL = 1006;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The bytes of a text message. */
export function bytesOf(text: string): Uint8Array {
  return encoder.encode(text);
}

/** The text of bytes; undefined where they are not UTF-8, and runtimes would send something else in their place. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}
