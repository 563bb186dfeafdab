import assert from "node:assert/strict";
import {
  decodeEnvelope,
  encodeEnvelope,
  type Envelope,
  isEnvelope,
} from "../../rpc/envelope.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

const number = fc.maxSafeNat();
const payload = fc.uint8Array({ maxLength: 300 });
const method = fc.string({ unit: "grapheme", maxLength: 40 });

const envelope: fc.Arbitrary<Envelope> = fc.oneof(
  fc.record({
    kind: fc.constant("request" as const),
    id: number,
    method,
    payload,
  }),
  fc.record({
    kind: fc.constant("stream" as const),
    id: number,
    credit: number,
    method,
    payload,
  }),
  fc.record({ kind: fc.constant("response" as const), id: number, payload }),
  fc.record({
    kind: fc.constant("error" as const),
    id: number,
    code: fc.constantFrom(
      "failed",
      "cancelled",
      "overloaded",
      "unknown-method",
      "protocol",
    ),
    message: method,
  }),
  fc.record({ kind: fc.constant("cancel" as const), id: number }),
  fc.record({ kind: fc.constant("item" as const), id: number, payload }),
  fc.record({ kind: fc.constant("end" as const), id: number, count: number }),
  fc.record({
    kind: fc.constant("credit" as const),
    id: number,
    credit: number,
  }),
);

/** Payloads may be views and records may have no prototype, which deepEqual looks at. */
function plain(value: Envelope | undefined): unknown {
  if (value === undefined) return value;
  return "payload" in value
    ? { ...value, payload: [...value.payload] }
    : { ...value };
}

test("any envelope survives, and is told from text by its first byte", () => {
  fc.assert(
    fc.property(envelope, (value) => {
      const bytes = encodeEnvelope(value);
      assert.equal(isEnvelope(bytes), true);
      assert.deepEqual(plain(decodeEnvelope(bytes)), plain(value));
    }),
    { numRuns: 2_000 },
  );
});

test("no text is taken for an envelope", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const bytes = new TextEncoder().encode(text);
    assert.equal(isEnvelope(bytes), false);
    assert.equal(decodeEnvelope(bytes), undefined);
  }));
});

test("any bytes decode to an envelope or to nothing, and never throw", () => {
  const hostile = fc.tuple(
    fc.integer({ min: 0xf0, max: 0xff }),
    fc.uint8Array({ maxLength: 40 }),
  ).map(([kind, rest]) => Uint8Array.of(kind, ...rest));
  fc.assert(
    fc.property(hostile, (bytes) => {
      const value = decodeEnvelope(bytes);
      if (value !== undefined && value.kind !== "error") {
        assert.deepEqual(
          plain(decodeEnvelope(encodeEnvelope(value))),
          plain(value),
        );
      }
    }),
    { numRuns: 5_000 },
  );
});

test("an envelope that is cut off or goes on too long is none", () => {
  fc.assert(fc.property(envelope, fc.nat(), (value, cut) => {
    const bytes = encodeEnvelope(value);
    const size = "payload" in value ? value.payload.length : 0;
    const head = value.kind === "error"
      ? bytes.length - new TextEncoder().encode(value.message).length
      : bytes.length - size;
    assert.equal(decodeEnvelope(bytes.subarray(0, cut % head)), undefined);
    if (["cancel", "end", "credit"].includes(value.kind)) {
      assert.equal(decodeEnvelope(Uint8Array.of(...bytes, 0)), undefined);
    }
  }));
});

test("the bytes are those of the table in the documentation", () => {
  const bytes = Uint8Array.of(7);
  const rows: [Envelope, string][] = [
    [
      { kind: "request", id: 300, method: "ab", payload: bytes },
      "f8 ac 02 02 61 62 07",
    ],
    [
      { kind: "stream", id: 1, credit: 64, method: "ab", payload: bytes },
      "f9 01 40 02 61 62 07",
    ],
    [{ kind: "response", id: 1, payload: bytes }, "fa 01 07"],
    [{ kind: "error", id: 1, code: "protocol", message: "m" }, "fb 01 00 6d"],
    [{ kind: "error", id: 1, code: "failed", message: "" }, "fb 01 01"],
    [{ kind: "error", id: 1, code: "cancelled", message: "" }, "fb 01 02"],
    [{ kind: "error", id: 1, code: "overloaded", message: "" }, "fb 01 03"],
    [{ kind: "error", id: 1, code: "unknown-method", message: "" }, "fb 01 04"],
    [{ kind: "cancel", id: 1 }, "fc 01"],
    [{ kind: "item", id: 1, payload: bytes }, "fd 01 07"],
    [{ kind: "end", id: 1, count: 3 }, "fe 01 03"],
    [{ kind: "credit", id: 1, credit: 32 }, "ff 01 20"],
  ];
  for (const [value, hex] of rows) {
    const encoded = [...encodeEnvelope(value)].map((byte) =>
      byte.toString(16).padStart(2, "0")
    );
    assert.equal(encoded.join(" "), hex);
  }
});

test("an unknown error code reads as protocol", () => {
  assert.deepEqual(decodeEnvelope(Uint8Array.of(0xfb, 1, 99, 0x6d)), {
    kind: "error",
    id: 1,
    code: "protocol",
    message: "m",
  });
});
