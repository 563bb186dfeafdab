/**
 * How the bytes of a message look in a framing that cannot carry all.
 *
 * @module
 */

/** Puts messages into another form and back. */
export interface Dress {
  wrap(message: Uint8Array): Uint8Array;
  unwrap(data: Uint8Array): Uint8Array;
}

/** As they are. */
export const plain: Dress = {
  wrap: (message) => message,
  unwrap: (data) => data,
};

const DIGITS = new TextEncoder().encode("0123456789abcdef");

/** As hexadecimal digits. */
export const hexadecimal: Dress = {
  wrap(message) {
    const digits = new Uint8Array(message.length * 2);
    for (let at = 0; at < message.length; at += 1) {
      const byte = message[at] ?? 0;
      digits[at * 2] = DIGITS[byte >> 4] ?? 0;
      digits[at * 2 + 1] = DIGITS[byte & 15] ?? 0;
    }
    return digits;
  },
  unwrap(data) {
    const message = new Uint8Array(data.length >> 1);
    for (let at = 0; at < message.length; at += 1) {
      message[at] = value(data[at * 2]) * 16 + value(data[at * 2 + 1]);
    }
    return message;
  },
};

function value(code = 48): number {
  return code - (code < 58 ? 48 : 87);
}

/** What came, as it was sent. */
export function undress(isText: boolean, data: Uint8Array): Uint8Array {
  return isText ? hexadecimal.unwrap(data) : data;
}
