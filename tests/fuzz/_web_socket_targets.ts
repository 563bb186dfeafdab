/**
 * The WebSocket decoder of both sides, against its model.
 *
 * @module
 */

import { WebSocketDecoder } from "../../framing/web_socket_decoder.ts";
import type { WebSocketSink } from "../../framing/web_socket_decoder.ts";
import { DECODER_CASES } from "../framing/_web_socket_cases.ts";
import {
  bytesOf,
  frameBytes,
  framesBytes,
  type FrameSpec,
} from "../framing/_web_socket_frames.ts";
import { FRAME_EXAMPLES } from "../vectors/rfc6455.ts";
import { concat, cuts, pieces } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { must, type PureTarget, type Source } from "./_target.ts";
import { type Finding, readFrames } from "./_web_socket_model.ts";

const LIMITS: readonly number[] = [1, 16, 125, 126, 1_024, 65_536];
const FRAGMENTS: readonly number[] = [1, 2, 8, 32, 65_536];
const SIZES: readonly number[] = [0, 1, 2, 15, 16, 17, 124, 125, 126, 127, 300];
const TEXTS: readonly string[] = ["", "a", "héllo", "κόσμε", "\u{10ffff}", "�"];
const OPCODES: readonly number[] = [0, 1, 2, 3, 7, 8, 9, 10, 11, 15];

function payload(random: Random, isText: boolean): Uint8Array {
  if (isText) return new TextEncoder().encode(random.pick(TEXTS));
  return new Uint8Array(random.pick(SIZES)).fill(random.next());
}

function closeData(random: Random): Uint8Array {
  const code = random.oneIn(3)
    ? random.below(65_536)
    : random.pick([1000, 1001, 1005, 1006, 1011, 1014, 1015, 3000, 4999]);
  return concat([
    Uint8Array.of(code >> 8, code & 0xff),
    payload(random, random.oneIn(2)).subarray(0, 130),
  ]);
}

/** A message in one frame or several, with control frames between. */
function message(random: Random): FrameSpec[] {
  const isText = random.oneIn(2);
  // A storm: very many frames that say nearly nothing.
  const count = random.oneIn(12) ? random.from(8, 70) : random.from(1, 4);
  const frames: FrameSpec[] = [];
  for (let i = 0; i < count; i++) {
    if (i > 0 && random.oneIn(6)) frames.push(control(random));
    frames.push({
      opcode: i > 0 ? 0 : isText ? 1 : 2,
      data: count > 7 && random.oneIn(2)
        ? new Uint8Array(0)
        : payload(random, isText),
      fin: i === count - 1,
    });
  }
  return frames;
}

function control(random: Random): FrameSpec {
  const opcode = random.pick([9, 10]);
  return { opcode, data: random.bytes(random.pick([0, 1, 5, 124, 125])) };
}

function spoiled(random: Random, spec: FrameSpec, isServer: boolean) {
  switch (random.below(8)) {
    case 0:
      return { ...spec, rsv: random.from(1, 7) };
    case 1:
      return { ...spec, masked: !isServer };
    case 2:
      return { ...spec, opcode: random.pick(OPCODES) };
    case 3:
      return { ...spec, fin: !(spec.fin ?? true) };
    case 4:
      return { ...spec, lengthBytes: random.pick([0, 2, 8] as const) };
    case 5:
      return {
        ...spec,
        claim: random.pick([126, 127, 65_535, 65_536, 2 ** 31, 2 ** 53]),
        lengthBytes: 8 as const,
      };
    case 6:
      return { ...spec, claim: 1n << BigInt(random.from(17, 63)) };
    default:
      return { ...spec, opcode: 8, data: closeData(random) };
  }
}

/** Messages, control frames and at the end maybe a close; one frame in some is wrong. */
export function composeWebSocket(
  random: Random,
  isServer: boolean,
): Uint8Array {
  let specs: FrameSpec[] = [];
  for (let count = random.from(1, 4); count > 0; count--) {
    specs.push(...(random.oneIn(5) ? [control(random)] : message(random)));
  }
  if (random.oneIn(3)) specs.push({ opcode: 8, data: closeData(random) });
  if (random.oneIn(2)) {
    const at = random.below(specs.length);
    specs = specs.map((spec, i) =>
      i === at ? spoiled(random, spec, isServer) : spec
    );
  }
  return concat(specs.map((spec) => frameBytes(spec, isServer)));
}

/** Where frames for one side come from. */
export function webSocketSource(isServer: boolean): Source {
  const cases = DECODER_CASES.map(({ frames }) => framesBytes(frames, isServer))
    .filter((bytes) => bytes.length < 1_500);
  return {
    name: isServer ? "ws-frames-server" : "ws-frames-client",
    corpus: [
      ...cases,
      ...FRAME_EXAMPLES.filter((example) => example.isServer === isServer)
        .map(({ hex }) => bytesOf(hex)),
    ],
    tokens: [
      "89",
      "8a",
      "88",
      "00",
      "80",
      "fe",
      "ff",
      "7e",
      "7f",
      "ffffffffffffffff",
      "00000000ffffffff",
      "c1",
      "edb080",
    ].map(bytesOf),
    compose: (random) => composeWebSocket(random, isServer),
  };
}

class Findings implements WebSocketSink {
  readonly found: Finding[] = [];
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  message(data: Uint8Array, isText: boolean): boolean {
    must(
      data.length <= this.#max,
      () => `a message of ${data.length} bytes passes the limit ${this.#max}`,
    );
    this.found.push({ kind: isText ? "text" : "binary", data, code: 0 });
    return true;
  }
  ping(data: Uint8Array): void {
    this.found.push({ kind: "ping", data, code: 0 });
  }
  pong(data: Uint8Array): void {
    this.found.push({ kind: "pong", data, code: 0 });
  }
  close(code: number, reason: string): void {
    const data = new TextEncoder().encode(reason);
    this.found.push({ kind: "close", data, code });
  }
}

function describe(finding: Finding | undefined): string {
  return finding === undefined
    ? "nothing"
    : `${finding.kind} of ${finding.data.length} bytes, code ${finding.code}`;
}

function isSame(one: Finding, other: Finding): boolean {
  return one.kind === other.kind && one.code === other.code &&
    one.data.length === other.data.length &&
    one.data.every((byte, i) => byte === other.data[i]);
}

/** Fails unless both are the same, in order. */
export function sameFindings(
  found: readonly Finding[],
  wanted: readonly Finding[],
): void {
  for (let i = 0; i < Math.max(found.length, wanted.length); i++) {
    const one = found[i];
    const other = wanted[i];
    must(
      one !== undefined && other !== undefined && isSame(one, other),
      () => `finding ${i} is ${describe(one)} instead of ${describe(other)}`,
    );
  }
}

function webSocketTarget(isServer: boolean): PureTarget {
  return {
    ...webSocketSource(isServer),
    check(input, random) {
      const maxMessageSize = random.pick(LIMITS);
      const maxFragments = random.pick(FRAGMENTS);
      const rules = { isServer, maxMessageSize, maxFragments };
      const wanted = readFrames(input, rules);
      const sizes = cuts(random, input.length);
      for (const parts of [[input.slice()], pieces(input, sizes)]) {
        const decoder = new WebSocketDecoder(rules);
        const sink = new Findings(maxMessageSize);
        let isOver = false;
        for (const part of parts) {
          const fault = decoder.push(part, sink);
          must(!isOver || fault === undefined, () => "a fault after a fault");
          if (fault !== undefined) {
            isOver = true;
            sink.found.push({
              kind: "fault",
              data: new Uint8Array(0),
              code: fault.closeCode,
            });
          }
          must(
            decoder.buffered <= maxMessageSize + 14 + 125,
            () => `${decoder.buffered} bytes are held`,
          );
        }
        sameFindings(sink.found, wanted.findings);
        must(
          decoder.buffered === wanted.rest,
          () => `${decoder.buffered} bytes are held instead of ${wanted.rest}`,
        );
        const last = wanted.findings.at(-1)?.kind;
        if (last !== "fault" && last !== "close") continue;
        const count = sink.found.length;
        const after = frameBytes({ opcode: 9 }, isServer);
        must(
          decoder.push(after, sink) === undefined &&
            sink.found.length === count,
          () => "the decoder goes on after its end",
        );
      }
    },
  };
}

/** The targets. */
export const WEB_SOCKET_TARGETS: readonly PureTarget[] = [
  webSocketTarget(true),
  webSocketTarget(false),
];
