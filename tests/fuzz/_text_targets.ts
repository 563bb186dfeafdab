/**
 * What is parsed out of whole messages and texts: addresses, codecs, the envelopes of calls.
 *
 * @module
 */

import {
  jsonCodec,
  type StandardSchema,
  textCodec,
  validated,
} from "../../codec/codec.ts";
import { type Address, parseAddress } from "../../network/address.ts";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  isEnvelope,
} from "../../rpc/envelope.ts";
import { Fault } from "../../runtime/fault.ts";
import { concat, latin1 } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import { must, type PureTarget, type Source } from "./_target.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

const ADDRESSES: readonly string[] = [
  "127.0.0.1:3042",
  "[::1]:80",
  "[fe80::1%eth0]:1",
  ":0",
  "localhost:65535",
  "example.com:443",
  "ws://host/chat?room=1",
  "wss://example.com:8443/a%20b#c",
  "tcp://10.0.0.1:1",
  "udp://[ff02::1]:5353",
  "unix:/run/x.sock",
  "unix:///run/x.sock",
  "memory:name",
  "memory://name",
  "/run/app.sock",
  "./app.sock",
  "\0abstract",
  "xn--bcher-kva.example:80",
];

const PARTS: readonly string[] = [
  ":",
  "::",
  "[",
  "]",
  "@",
  "/",
  "//",
  "://",
  "%",
  "?",
  "#",
  "\0",
  " ",
  ".",
  "..",
  "-",
  "_",
  "65536",
  "-1",
  "0x50",
  "1e3",
  "255.255.255.255",
  "256.1.1.1",
  "::ffff:127.0.0.1",
  "unix:",
  "memory:",
  "ws://",
  "\ud800",
  "é",
];

const address: PureTarget = {
  name: "address",
  corpus: ADDRESSES.map(utf8),
  tokens: PARTS.map(utf8),
  compose: (random) => {
    let text = "";
    for (let count = random.from(1, 6); count > 0; count--) {
      text += random.oneIn(2) ? random.pick(PARTS) : random.pick(ADDRESSES);
    }
    return utf8(text);
  },
  check(input, random) {
    const text = random.oneIn(4)
      ? String.fromCharCode(...input.subarray(0, 500).map((byte) => byte * 251))
      : new TextDecoder().decode(input);
    const forms: Address[] = [
      text,
      { hostname: text, port: random.below(70_000) },
      { path: text },
    ];
    for (const form of forms) checkAddress(form);
  },
};

function checkAddress(form: Address): void {
  let target;
  try {
    target = parseAddress(form);
  } catch (error) {
    must(
      error instanceof Fault && error.code === "invalid-address",
      () => `${String(error)} for ${JSON.stringify(form)}`,
    );
    return;
  }
  const { hostname, port, path, resource } = target;
  const show = () => `${JSON.stringify(form)} is ${JSON.stringify(target)}`;
  must(
    port === undefined ||
      (Number.isInteger(port) && port >= 0 && port < 65_536),
    show,
  );
  // What goes into a look-up or a request line must not end either.
  must(!/[\s\0/@?#\x7f]/.test(hostname), show);
  must(/^([/?][\x21-\x7e]*)?$/.test(resource), show);
  must(path === "" || (hostname === "" && port === undefined), show);
  must(!path.slice(1).includes("\0"), show);
}

const JSON_TEXTS: readonly string[] = [
  '{"name":"a","age":7}',
  '[1,2.5e10,-0,true,false,null,"\\u0041\\ud83d"]',
  '"text"',
  "7",
  '{"__proto__":{"x":1},"constructor":{"prototype":{"y":1}}}',
  '{"age":1e400}',
  "  [ ]  ",
];

const JSON_PARTS: readonly string[] = [
  "{",
  "}",
  "[",
  "]",
  '"',
  "\\",
  "\\u",
  ",",
  ":",
  "1e999",
  "-",
  "\ufeff",
  '"__proto__":',
  "null",
  "\0",
];

const age: StandardSchema<number> = {
  "~standard": {
    version: 1,
    vendor: "fuzz",
    validate: (value) =>
      typeof value === "object" && value !== null && "age" in value &&
        typeof value.age === "number"
        ? { value: value.age }
        : { issues: [{ message: "no age" }] },
  },
};

const json = jsonCodec<unknown>();
const checked = validated(json, age);

function isRefusal(error: unknown): boolean {
  return error instanceof SyntaxError || error instanceof TypeError;
}

const codec: PureTarget = {
  name: "codec",
  corpus: [...JSON_TEXTS.map(utf8), Uint8Array.of(0x22, 0xff, 0x22)],
  tokens: JSON_PARTS.map(utf8),
  compose: (random) => {
    // Nested without end: a parser that calls itself runs out of stack.
    if (random.oneIn(200)) {
      const part = random.pick(["[", '{"a":', "[[", '[{"b":']);
      return utf8(part.repeat(random.from(1, 20_000)));
    }
    let text = "";
    for (let count = random.from(1, 8); count > 0; count--) {
      text += random.oneIn(3)
        ? random.pick(JSON_TEXTS)
        : random.pick(JSON_PARTS);
    }
    return utf8(text);
  },
  check(input) {
    const before = Reflect.ownKeys(Object.prototype).length;
    let value: unknown;
    let isValue = true;
    try {
      value = json.decode(input);
    } catch (error) {
      isValue = false;
      must(isRefusal(error), () => `json throws ${String(error)}`);
    }
    if (isValue) {
      const again = json.decode(json.encode(value));
      must(
        JSON.stringify(again) === JSON.stringify(value),
        () => "the value does not survive",
      );
    }
    try {
      const accepted = checked.decode(input);
      must(
        isValue && typeof accepted === "number",
        () => "validated lets in what is no number",
      );
    } catch (error) {
      must(isRefusal(error), () => `validated throws ${String(error)}`);
    }
    try {
      const text = textCodec.decode(input);
      const bytes = textCodec.encode(text);
      must(
        bytes.length === input.length && bytes.every((b, i) => b === input[i]),
        () => "text does not survive",
      );
    } catch (error) {
      must(error instanceof TypeError, () => `text throws ${String(error)}`);
    }
    must(
      Reflect.ownKeys(Object.prototype).length === before,
      () => "every object has got a new member",
    );
  },
};

const payload = utf8("[1,2]");

/** One envelope of each kind, and their numbers at the edges. */
export const ENVELOPES: readonly Envelope[] = [1, 127, 128, 2 ** 53 - 1]
  .flatMap((id): Envelope[] => [
    { kind: "request", id, method: "add", payload },
    { kind: "stream", id, credit: 8, method: "count", payload },
    { kind: "response", id, payload },
    { kind: "error", id, code: "failed", message: "no" },
    { kind: "cancel", id },
    { kind: "item", id, payload },
    { kind: "end", id, count: 3 },
    { kind: "credit", id, credit: 64 },
  ]);

/** Envelopes, whole messages each. */
export const envelopeSource: Source = {
  name: "rpc-envelope",
  corpus: ENVELOPES.map(encodeEnvelope),
  tokens: [
    ...["\xf8", "\xf9", "\xff", "\x80\x00", "\x80\x01", "\xff\xff\xff\x7f"],
    "\xff\xff\xff\xff\xff\xff\xff\x0f",
  ].map(latin1),
  compose: (random: Random) =>
    concat([
      Uint8Array.of(random.from(0xf7, 0xff), random.below(130)),
      random.bytes(random.below(20)),
    ]),
};

const envelope: PureTarget = {
  ...envelopeSource,
  check(input) {
    const decoded = decodeEnvelope(input);
    if (decoded === undefined) return;
    must(isEnvelope(input), () => "an envelope that is none was decoded");
    const bytes = encodeEnvelope(decoded);
    const again = decodeEnvelope(bytes);
    must(
      JSON.stringify(again) === JSON.stringify(decoded),
      () => `${decoded.kind} does not survive`,
    );
    // Names that are not UTF-8 are read with replacement characters.
    const isExact = decoded.kind !== "error" && !("method" in decoded);
    must(
      !isExact ||
        (bytes.length === input.length &&
          bytes.every((byte, i) => byte === input[i])),
      () => `${decoded.kind} has two forms`,
    );
  },
};

/** The targets. */
export const TEXT_TARGETS: readonly PureTarget[] = [address, codec, envelope];
