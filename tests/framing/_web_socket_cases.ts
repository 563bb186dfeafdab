/**
 * Cases after the groups 1 to 7 and 10 of the Autobahn test suite, as data.
 *
 * @module
 */

import { bytesOf, joined, utf8 } from "./_web_socket_frames.ts";
import type { FrameSpec } from "./_web_socket_frames.ts";

export interface DecoderCase {
  readonly name: string;
  readonly frames: readonly FrameSpec[];
  readonly log: readonly string[];
}

const PROTOCOL = "fault protocol 1002";
const BAD_TEXT = "fault protocol 1007";

const text = (data: string | Uint8Array, fin = true): FrameSpec => ({
  opcode: 1,
  data,
  fin,
});
const more = (data: string | Uint8Array, fin = true): FrameSpec => ({
  opcode: 0,
  data,
  fin,
});
const binary = (data: string | Uint8Array, fin = true): FrameSpec => ({
  opcode: 2,
  data,
  fin,
});
const ping = (data: string | Uint8Array = ""): FrameSpec => ({
  opcode: 9,
  data,
});
const pong = (data: string | Uint8Array = ""): FrameSpec => ({
  opcode: 10,
  data,
});
const close = (code?: number, reason: string | Uint8Array = ""): FrameSpec => ({
  opcode: 8,
  data: code === undefined ? "" : joined([
    Uint8Array.of(code >> 8, code & 0xff),
    typeof reason === "string" ? utf8(reason) : reason,
  ]),
});

const sizes = [0, 1, 125, 126, 127, 128, 65_535, 65_536];
const json = JSON.stringify;

const framing: DecoderCase[] = sizes.flatMap((size, i) => [
  {
    name: `1.1.${i + 1} text of ${size} bytes`,
    frames: [text("*".repeat(size))],
    log: [`text ${json("*".repeat(size))}`],
  },
  {
    name: `1.2.${i + 1} binary of ${size} bytes`,
    frames: [binary("*".repeat(size))],
    log: [`binary ${json("*".repeat(size))}`],
  },
]);

const pings: DecoderCase[] = [
  { name: "2.1 ping without payload", frames: [ping()], log: ['ping ""'] },
  {
    name: "2.2 ping with text",
    frames: [ping("hello")],
    log: ['ping "hello"'],
  },
  {
    name: "2.3 ping with bytes",
    frames: [ping(bytesOf("00fffefdfcfb00ff"))],
    log: ["ping 00 ff fe fd fc fb 00 ff"],
  },
  {
    name: "2.4 ping of 125 bytes",
    frames: [ping("x".repeat(125))],
    log: [`ping ${json("x".repeat(125))}`],
  },
  {
    name: "2.5 ping of 126 bytes",
    frames: [ping("x".repeat(126))],
    log: [PROTOCOL],
  },
  {
    name: "2.7 pong that nobody asked for, empty",
    frames: [pong()],
    log: ['pong ""'],
  },
  {
    name: "2.8 pong that nobody asked for",
    frames: [pong("x")],
    log: ['pong "x"'],
  },
  {
    name: "2.9 pong, then ping",
    frames: [pong("a"), ping("b")],
    log: ['pong "a"', 'ping "b"'],
  },
  {
    name: "2.10 ten pings",
    frames: Array.from({ length: 10 }, (_, i) => ping(`${i}`)),
    log: Array.from({ length: 10 }, (_, i) => `ping "${i}"`),
  },
];

const reserved: DecoderCase[] = [1, 2, 3, 4, 5, 6, 7].flatMap((rsv) =>
  [1, 2, 8, 9, 10].map((opcode) => ({
    name:
      `3.${rsv} reserved bits ${rsv} on opcode ${opcode}, after a good message`,
    frames: [
      text("ok"),
      { opcode, rsv, data: opcode === 8 ? "" : "bad" },
      text("never"),
    ],
    log: ['text "ok"', PROTOCOL],
  }))
);

const opcodes: DecoderCase[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((
  opcode,
) => [
  {
    name: `4 unknown opcode ${opcode}, empty`,
    frames: [{ opcode }],
    log: [PROTOCOL],
  },
  {
    name: `4 unknown opcode ${opcode} with payload, after a message`,
    frames: [text("a"), { opcode, data: "b" }, ping()],
    log: ['text "a"', PROTOCOL],
  },
]);

const fragments: DecoderCase[] = [
  {
    name: "5.1 ping in two fragments",
    frames: [{ ...ping("a"), fin: false }, more("b")],
    log: [PROTOCOL],
  },
  {
    name: "5.2 pong in two fragments",
    frames: [{ ...pong("a"), fin: false }, more("b")],
    log: [PROTOCOL],
  },
  {
    name: "5.3 text in two fragments",
    frames: [text("frag1", false), more("frag2")],
    log: ['text "frag1frag2"'],
  },
  {
    name: "5.6 a ping between fragments",
    frames: [text("frag1", false), ping("p"), more("frag2")],
    log: ['ping "p"', 'text "frag1frag2"'],
  },
  {
    name: "5.9 continuation of nothing, final",
    frames: [more("x"), text("y")],
    log: [PROTOCOL],
  },
  {
    name: "5.12 continuation of nothing, not final",
    frames: [more("x", false), text("y")],
    log: [PROTOCOL],
  },
  {
    name: "5.15 continuation after a message ended",
    frames: [text("a", false), more("b"), more("c", false), text("d")],
    log: ['text "ab"', PROTOCOL],
  },
  {
    name: "5.18 text within a text",
    frames: [text("a", false), text("b")],
    log: [PROTOCOL],
  },
  {
    name: "5.19 pings among five fragments",
    frames: [
      text("f1", false),
      more("f2", false),
      ping("p1"),
      more("f3", false),
      more("f4", false),
      ping("p2"),
      more("f5"),
    ],
    log: ['ping "p1"', 'ping "p2"', 'text "f1f2f3f4f5"'],
  },
  {
    name: "5 binary within a text",
    frames: [text("a", false), binary("b")],
    log: [PROTOCOL],
  },
  {
    name: "5 empty fragments",
    frames: [binary("", false), more("", false), more("")],
    log: ['binary ""'],
  },
  {
    name: "5 an empty last fragment",
    frames: [binary("ab", false), more("")],
    log: ['binary "ab"'],
  },
  {
    name: "5 a close between fragments drops the message",
    frames: [text("a", false), close(1000), more("b")],
    log: ['close 1000 ""'],
  },
];

const KOSME = "cebae1bdb9cf83cebcceb5";
const validTexts = [
  "",
  "Hello-µ@ßöäüàá-UTF-8!!",
  "κόσμε",
  "\u0000\u0080\u0800\u{10000}",
  "\u007f\u07ff\uffff\u{10ffff}",
  "\ud7ff\ue000\ufffd\u{10ffff}",
  "\ufeffwith a byte order mark",
  "\ufffe \u{1fffe}",
];
const invalidTexts: [string, string][] = [
  ["6.3.1 a surrogate after good text", `${KOSME}eda080656469746564`],
  ["6.6 a cut character", "ce"],
  ["6.6 a cut character of three", "cebae1bd"],
  ["6.10 above U+10FFFF", "f4908080"],
  ["6.11 five bytes", "f888808080"],
  ["6.11 six bytes", "fc8480808080"],
  ["6.12 a lone continuation byte", "80"],
  ["6.12 a lone last continuation byte", "bf"],
  ["6.13 lone lead bytes", "c020c120c220"],
  ["6.14 no last byte", "c0"],
  ["6.14 no last byte of three", "e080"],
  ["6.15 many cut characters", "c0e080f08080f8808080"],
  ["6.16 never in UTF-8", "fe"],
  ["6.16 never in UTF-8 either", "ff"],
  ["6.17 overlong slash of two", "c0af"],
  ["6.17 overlong slash of three", "e080af"],
  ["6.17 overlong slash of four", "f08080af"],
  ["6.18 largest overlong of two", "c1bf"],
  ["6.18 largest overlong of three", "e09fbf"],
  ["6.18 largest overlong of four", "f08fbfbf"],
  ["6.19 overlong zero", "c080"],
  ["6.20 the first high surrogate", "eda080"],
  ["6.20 the last low surrogate", "edbfbf"],
  ["6.21 a pair of surrogates", "eda080edb080"],
];
const utf8Cases: DecoderCase[] = [
  ...validTexts.flatMap((valid) => [
    {
      name: `6 text ${json(valid)}`,
      frames: [text(valid)],
      log: [`text ${json(valid)}`],
    },
    {
      name: `6.2 text ${json(valid)}, a fragment a byte`,
      frames: [
        text("", false),
        ...Array.from(utf8(valid), (byte) => more(Uint8Array.of(byte), false)),
        more(""),
      ],
      log: [`text ${json(valid)}`],
    },
  ]),
  ...invalidTexts.flatMap(([name, hex]) => [
    { name, frames: [text(bytesOf(hex)), text("never")], log: [BAD_TEXT] },
    {
      name: `${name}, as binary`,
      frames: [binary(bytesOf(hex))],
      log: [`binary ${hex.replace(/..(?!$)/g, "$& ")}`],
    },
    {
      name: `${name}, a fragment a byte`,
      frames: [
        text("", false),
        ...Array.from(bytesOf(hex), (byte) => more(Uint8Array.of(byte), false)),
        more(""),
      ],
      log: [BAD_TEXT],
    },
  ]),
  {
    name: "6.4 fails before the message has ended",
    frames: [text(bytesOf(`${KOSME}f4`), false), more(bytesOf("90"), false)],
    log: [BAD_TEXT],
  },
  {
    name: "6.4 fails before the frame has ended",
    frames: [{ opcode: 1, data: bytesOf("f490"), claim: 100 }],
    log: [BAD_TEXT],
  },
  {
    name: "6 a character does not span messages",
    frames: [text(bytesOf("ce")), text(bytesOf("ba"))],
    log: [BAD_TEXT],
  },
];

const goodCodes = [
  1000,
  1001,
  1002,
  1003,
  1007,
  1008,
  1009,
  1010,
  1011,
  1012,
  1013,
  1014,
  3000,
  3999,
  4000,
  4999,
];
const badCodes = [
  0,
  1,
  999,
  1004,
  1005,
  1006,
  1015,
  1016,
  1100,
  2000,
  2999,
  5000,
  65_535,
];
const closes: DecoderCase[] = [
  {
    name: "7.1.1 a message, then close",
    frames: [text("a"), close(1000)],
    log: ['text "a"', 'close 1000 ""'],
  },
  {
    name: "7.1.2 two closes",
    frames: [close(1000), close(1001)],
    log: ['close 1000 ""'],
  },
  {
    name: "7.1.3 a ping after the close",
    frames: [close(1000), ping()],
    log: ['close 1000 ""'],
  },
  {
    name: "7.1.4 a message after the close",
    frames: [close(1000), text("x")],
    log: ['close 1000 ""'],
  },
  { name: "7.3.1 an empty close", frames: [close()], log: ['close 1005 ""'] },
  {
    name: "7.3.2 a close of one byte",
    frames: [{ opcode: 8, data: "a" }],
    log: [PROTOCOL],
  },
  {
    name: "7.3.4 a reason",
    frames: [close(1000, "Hello World!")],
    log: ['close 1000 "Hello World!"'],
  },
  {
    name: "7.3.5 the longest reason",
    frames: [close(1000, "*".repeat(123))],
    log: [`close 1000 ${json("*".repeat(123))}`],
  },
  {
    name: "7.3.6 too long a reason",
    frames: [close(1000, "*".repeat(124))],
    log: [PROTOCOL],
  },
  {
    name: "7.5.1 a reason that is not UTF-8",
    frames: [close(1000, bytesOf(`${KOSME}eda080`))],
    log: [BAD_TEXT],
  },
  {
    name: "7.5 a reason that ends inside a character",
    frames: [close(1000, bytesOf("ce"))],
    log: [BAD_TEXT],
  },
  {
    name: "7 a close in fragments",
    frames: [{ ...close(1000), fin: false }],
    log: [PROTOCOL],
  },
  ...goodCodes.map((code) => ({
    name: `7.7 the code ${code}`,
    frames: [close(code, "r")],
    log: [`close ${code} "r"`],
  })),
  ...badCodes.map((code) => ({
    name: `7.9 the code ${code}`,
    frames: [close(code)],
    log: [PROTOCOL],
  })),
];

const lengths: DecoderCase[] = [
  {
    name: "a length of 2 bytes for 125",
    frames: [{ ...binary("x".repeat(125)), lengthBytes: 2 }],
    log: [PROTOCOL],
  },
  {
    name: "a length of 8 bytes for 125",
    frames: [{ ...binary("x".repeat(125)), lengthBytes: 8 }],
    log: [PROTOCOL],
  },
  {
    name: "a length of 8 bytes for 65,535",
    frames: [{ ...binary("x".repeat(65_535)), lengthBytes: 8 }],
    log: [PROTOCOL],
  },
  {
    name: "a length with its highest bit set",
    frames: [{ opcode: 2, claim: 1n << 63n }],
    log: [PROTOCOL],
  },
  {
    name: "a length of 2^63 - 1",
    frames: [{ opcode: 2, claim: (1n << 63n) - 1n }],
    log: ["fault message-too-big 1009"],
  },
  {
    name: "a length of 2^53",
    frames: [{ opcode: 2, claim: 1n << 53n }],
    log: ["fault message-too-big 1009"],
  },
  {
    name: "a ping with a length of 8 bytes",
    frames: [{ opcode: 9, lengthBytes: 8 }],
    log: [PROTOCOL],
  },
];

const misc: DecoderCase[] = [
  {
    name: "10.1.1 65,536 bytes in fragments of 1,300",
    frames: Array.from({ length: 51 }, (_, i) => ({
      opcode: i === 0 ? 1 : 0,
      data: "*".repeat(i === 50 ? 65_536 - 50 * 1300 : 1300),
      fin: i === 50,
    })),
    log: [`text ${json("*".repeat(65_536))}`],
  },
];

/** All of them. */
export const DECODER_CASES: readonly DecoderCase[] = [
  ...framing,
  ...pings,
  ...reserved,
  ...opcodes,
  ...fragments,
  ...utf8Cases,
  ...closes,
  ...lengths,
  ...misc,
];
