/**
 * Checks UTF-8 (RFC 3629) that comes in pieces, and finds the first wrong byte at once.
 *
 * A TextDecoder would do it as well, at the price of a string that nobody reads.
 *
 * @module
 */

/** The check of one text after another: a text that ended complete leaves nothing behind. */
export class Utf8Check {
  /** Continuation bytes that the current character still needs. */
  #missing = 0;
  /** The range of the next continuation byte: narrower after some lead bytes (no overlong forms, no surrogates, no more than U+10FFFF). */
  #low = 0x80;
  #high = 0xbf;

  /** Whether the text so far ends between two characters. */
  get isComplete(): boolean {
    return this.#missing === 0;
  }

  /**
   * Takes the next piece.
   *
   * @param bytes Holds the piece from `start` to `end`.
   * @returns Whether the text can still be UTF-8. After false the check is spent.
   */
  accept(bytes: Uint8Array, start: number, end: number): boolean {
    // Hot: every byte of every text message.
    let at = start;
    let missing = this.#missing;
    let low = this.#low;
    let high = this.#high;
    while (at < end) {
      const byte = bytes[at] ?? 0;
      if (missing > 0) {
        if (byte < low || byte > high) return false;
        missing -= 1;
        low = 0x80;
        high = 0xbf;
        at += 1;
      } else if (byte < 0x80) {
        at += 1;
        // ASCII comes in runs: four at a time.
        while (
          at + 4 <= end &&
          (((bytes[at] ?? 0) | (bytes[at + 1] ?? 0) | (bytes[at + 2] ?? 0) |
              (bytes[at + 3] ?? 0)) & 0x80) === 0
        ) {
          at += 4;
        }
      } else {
        if (byte < 0xc2 || byte > 0xf4) return false;
        if (byte < 0xe0) {
          missing = 1;
        } else if (byte < 0xf0) {
          missing = 2;
          if (byte === 0xe0) low = 0xa0;
          else if (byte === 0xed) high = 0x9f;
        } else {
          missing = 3;
          if (byte === 0xf0) low = 0x90;
          else if (byte === 0xf4) high = 0x8f;
        }
        at += 1;
      }
    }
    this.#missing = missing;
    this.#low = low;
    this.#high = high;
    return true;
  }
}
