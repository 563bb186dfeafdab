/**
 * The examples of RFC 6455: section 5.7 (frames) and section 1.3 (handshake), byte for byte.
 *
 * @module
 */

/** One frame of the RFC, in hexadecimal. */
export interface FrameExample {
  readonly name: string;
  readonly isServer: boolean;
  readonly hex: string;
  /** What a decoder says of it. */
  readonly log: readonly string[];
}

const HELLO = '"Hello"';

/** Section 5.7; `isServer` says which side receives the frame. */
export const FRAME_EXAMPLES: readonly FrameExample[] = [
  {
    name: "a single-frame unmasked text message",
    isServer: false,
    hex: "81 05 48 65 6c 6c 6f",
    log: [`text ${HELLO}`],
  },
  {
    name: "a single-frame masked text message",
    isServer: true,
    hex: "81 85 37 fa 21 3d 7f 9f 4d 51 58",
    log: [`text ${HELLO}`],
  },
  {
    name: "a fragmented unmasked text message",
    isServer: false,
    hex: "01 03 48 65 6c 80 02 6c 6f",
    log: [`text ${HELLO}`],
  },
  {
    name: "an unmasked ping",
    isServer: false,
    hex: "89 05 48 65 6c 6c 6f",
    log: [`ping ${HELLO}`],
  },
  {
    name: "a masked pong",
    isServer: true,
    hex: "8a 85 37 fa 21 3d 7f 9f 4d 51 58",
    log: [`pong ${HELLO}`],
  },
];

/** Section 5.7: the heads of 256 bytes and 64 KiB of binary data, unmasked. */
export const HEAD_EXAMPLES: readonly {
  readonly size: number;
  readonly hex: string;
}[] = [
  { size: 256, hex: "82 7e 01 00" },
  { size: 65_536, hex: "82 7f 00 00 00 00 00 01 00 00" },
];

/** Section 1.3. */
export const KEY_EXAMPLE = {
  key: "dGhlIHNhbXBsZSBub25jZQ==",
  nonce: "the sample nonce",
  accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
} as const;
