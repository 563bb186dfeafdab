/**
 * The decoders of the framings, against their models.
 *
 * @module
 */

import { readdirSync, readFileSync } from "node:fs";
import type { FrameDecoder, Framing } from "../../framing/framing.ts";
import { messagePackFraming } from "../../framing/message_pack.ts";
import { createNewlineFraming, newlineFraming } from "../../framing/newline.ts";
import { rawFraming } from "../../framing/raw.ts";
import { taggedFraming } from "../../framing/tagged.ts";
import { varintFraming } from "../../framing/varint.ts";
import { encode, fromHex } from "../framing/_stream.ts";
import {
  messagePackModel,
  type Model,
  newlineModel,
  type Span,
  taggedModel,
  varintModel,
} from "./_framing_models.ts";
import { concat, cuts, latin1, pieces } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { must, type PureTarget, type Source } from "./_target.ts";

const LIMITS: readonly number[] = [0, 1, 2, 16, 126, 127, 128, 300, 1_024];
/** Where a length takes a byte more; seldom, because such inputs take their time. */
const LARGE_LIMITS: readonly number[] = [16_383, 16_384, 65_535, 70_000];

function limitOf(random: Random): number {
  return random.pick(random.oneIn(256) ? LARGE_LIMITS : LIMITS);
}

const FOLDER = new URL("../vectors/", import.meta.url);

/** The frames that Rust peers really sent. */
function vectorsOf(framing: string): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const name of readdirSync(FOLDER).sort()) {
    if (!name.endsWith(".json")) continue;
    const file: {
      readonly framing?: string;
      readonly frames?: readonly { readonly frame: string }[];
    } = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
    if (file.framing !== framing) continue;
    for (const { frame } of file.frames ?? []) found.push(fromHex(frame));
  }
  return found;
}

function frame(framing: Framing, size: number, random?: Random): Uint8Array {
  const data = new Uint8Array(size).fill(0x61);
  if (random !== undefined && size > 0) {
    data[random.below(size)] = random.next();
  }
  const tag = framing.name === "tagged" ? random?.below(65_536) ?? 7 : 0;
  return encode(framing, { data, tag });
}

/** Frames of sizes about the limits, one after another. */
function composeFrames(framing: Framing, random: Random): Uint8Array {
  const limit = limitOf(random);
  const parts: Uint8Array[] = [];
  for (let count = random.from(1, 6); count > 0; count--) {
    const size = random.oneIn(2)
      ? random.below(24)
      : Math.max(0, limit + random.from(-1, 1));
    parts.push(frame(framing, size, random));
    if (size > 60_000) break;
  }
  return concat(parts);
}

/** Where inputs for a framing come from. */
export function framingSource(
  name: string,
  framing: Framing,
  tokens: readonly string[],
): Source {
  const frames = [0, 1, 5, 127, 128, 300].map((size) => frame(framing, size));
  return {
    name,
    corpus: [...vectorsOf(framing.name), ...frames, concat(frames)],
    tokens: tokens.map((hex) => fromHex(hex)),
    compose: (random) => composeFrames(framing, random),
  };
}

interface Found {
  readonly data: Uint8Array;
  readonly tag: number;
}

function sameBytes(
  data: Uint8Array,
  stream: Uint8Array,
  { start, end }: Span,
): boolean {
  if (data.length !== end - start) return false;
  for (let at = 0; at < data.length; at++) {
    if (data[at] !== stream[start + at]) return false;
  }
  return true;
}

/** The frame that a decoder after a fault must not see. */
function checkSpent(decoder: FrameDecoder, framing: Framing): void {
  let after = 0;
  const fault = decoder.push(frame(framing, 1), {
    message: () => (after += 1) > 0,
  });
  must(
    fault === undefined && after === 0,
    () => "the decoder goes on after its end",
  );
  must(decoder.buffered === 0, () => "the decoder holds bytes after its end");
}

function framingTarget(
  source: Source,
  framing: Framing,
  model: Model,
  overhead: number,
): PureTarget {
  const checkPieces = (
    input: Uint8Array,
    parts: readonly Uint8Array[],
    max: number,
    stopAt: number,
  ): void => {
    const expected = model(input, max);
    const decoder = framing.createDecoder(max);
    const found: Found[] = [];
    const sink = {
      message(data: Uint8Array, tag: number): boolean {
        must(data.length <= max, () => `a message of ${data.length} > ${max}`);
        found.push({ data, tag });
        return found.length < stopAt;
      },
    };
    let fault: string | undefined;
    for (const part of parts) {
      fault ??= decoder.push(part, sink)?.code;
      must(
        decoder.buffered <= max + overhead,
        () => `${decoder.buffered} bytes are held, the limit is ${max}`,
      );
    }
    const isStopped = expected.messages.length >= stopAt;
    const messages = expected.messages.slice(0, stopAt);
    must(
      found.length === messages.length,
      () => `${found.length} messages instead of ${messages.length}`,
    );
    for (const [i, span] of messages.entries()) {
      const { data, tag } = found[i] ?? { data: input, tag: -1 };
      must(
        sameBytes(data, input, span) && tag === span.tag,
        () => `message ${i} is another`,
      );
    }
    const wanted = isStopped ? undefined : expected.fault;
    must(fault === wanted, () => `the fault ${fault} instead of ${wanted}`);
    const rest = isStopped ? 0 : expected.rest;
    must(
      decoder.buffered === rest,
      () => `${decoder.buffered} bytes are held instead of ${rest}`,
    );
    if (wanted !== undefined || isStopped) checkSpent(decoder, framing);
  };
  return {
    ...source,
    check(input, random) {
      const max = limitOf(random);
      const stopAt = random.oneIn(8) ? random.from(1, 4) : Infinity;
      checkPieces(input, [input.slice()], max, stopAt);
      const sizes = cuts(random, input.length);
      checkPieces(input, pieces(input, sizes), max, stopAt);
    },
  };
}

const raw: PureTarget = {
  name: "raw",
  corpus: [latin1("any bytes"), new Uint8Array(300)],
  tokens: [],
  compose: (random) => random.bytes(random.below(200)),
  check(input, random) {
    const decoder = rawFraming.createDecoder(1);
    const stopAt = random.oneIn(4) ? random.from(1, 4) : Infinity;
    const parts = pieces(input, cuts(random, input.length));
    const found: Uint8Array[] = [];
    for (const part of parts) {
      const fault = decoder.push(part, {
        message: (data) => found.push(data) < stopAt,
      });
      must(fault === undefined, () => "raw bytes cannot be wrong");
    }
    const wanted = concat(parts.slice(0, stopAt));
    must(
      sameBytes(concat(found), wanted, {
        start: 0,
        end: wanted.length,
        tag: 0,
      }),
      () => "the bytes are others",
    );
  },
};

/** Inputs for the streams of each framing, for listeners too. */
export const varintSource: Source = framingSource("varint", varintFraming, [
  "8000",
  "8100",
  "ffffff7f",
  "80808008",
  "ffffffffffffffffff01",
  "ffffffffffffff0f",
]);
/** As {@linkcode varintSource}. */
export const taggedSource: Source = framingSource("tagged", taggedFraming, [
  "00000000",
  "0000000400010000",
  "0000000500010000",
  "0000000500020000",
  "ffffffff",
  "05f5e10400010000",
  "05f5e10500010000",
]);
/** As {@linkcode varintSource}. */
export const newlineSource: Source = framingSource("newline", newlineFraming, [
  "0a",
  "0d",
  "0d0a",
  "0a0d",
  "0d0d0a",
]);

/** The targets. */
export const FRAMING_TARGETS: readonly PureTarget[] = [
  framingTarget(varintSource, varintFraming, varintModel, 8),
  framingTarget(taggedSource, taggedFraming, taggedModel, 8),
  framingTarget(
    framingSource("message-pack", messagePackFraming, [
      "ce00000000",
      "ceffffffff",
      "cefffffffa",
      "cd0000",
      "ce00000001",
    ]),
    messagePackFraming,
    messagePackModel,
    5,
  ),
  framingTarget(newlineSource, newlineFraming, newlineModel(false), 0),
  framingTarget(
    { ...newlineSource, name: "newline-crlf" },
    createNewlineFraming({ stripCarriageReturn: true }),
    newlineModel(true),
    1,
  ),
  raw,
];
