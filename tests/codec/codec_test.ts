import assert from "node:assert/strict";
import {
  bytesCodec,
  jsonCodec,
  type StandardSchema,
  textCodec,
  validated,
} from "../../codec/codec.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";

const isNumber: StandardSchema<number> = {
  "~standard": {
    version: 1,
    vendor: "test",
    validate: (value) =>
      typeof value === "number"
        ? { value: value + 1 }
        : { issues: [{ message: "not a number" }] },
  },
};

test("textCodec: any well-formed text survives", () => {
  fc.assert(fc.property(fc.string({ unit: "grapheme" }), (text) => {
    assert.equal(textCodec.decode(textCodec.encode(text)), text);
  }));
  assert.equal(textCodec.decode(textCodec.encode("\ufeffbom")), "\ufeffbom");
});

test("textCodec: bytes that are not UTF-8 throw", () => {
  assert.throws(() => textCodec.decode(Uint8Array.of(0xff)), TypeError);
});

test("bytesCodec: bytes go through as they are", () => {
  const bytes = Uint8Array.of(0, 255);
  assert.equal(bytesCodec.encode(bytes), bytes);
  assert.equal(bytesCodec.decode(bytes), bytes);
});

test("jsonCodec: any JSON value survives", () => {
  const codec = jsonCodec<unknown>();
  fc.assert(fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
    const again = codec.decode(codec.encode(value));
    assert.equal(JSON.stringify(again), JSON.stringify(value));
  }));
});

test("jsonCodec: values without a form in JSON throw, and so do other bytes", () => {
  const codec = jsonCodec<unknown>();
  for (const value of [undefined, () => 1, Symbol("s"), 1n]) {
    assert.throws(() => codec.encode(value), TypeError);
  }
  assert.throws(() => codec.decode(textCodec.encode("{")), SyntaxError);
  assert.throws(() => codec.decode(new Uint8Array(0)), SyntaxError);
  assert.throws(() => codec.decode(Uint8Array.of(0x22, 0xff, 0x22)), TypeError);
});

test("validated: what the schema gives back is the value, what it refuses throws", () => {
  const codec = validated(jsonCodec<number>(), isNumber);
  assert.equal(codec.decode(codec.encode(1)), 2);
  assert.throws(
    () => codec.decode(textCodec.encode('"1"')),
    /does not fit its schema: not a number/,
  );
});

test("validated: an asynchronous schema is refused, whatever it finds", async () => {
  for (
    const found of [
      Promise.resolve({ value: 1 }),
      Promise.reject(new Error("no")),
    ]
  ) {
    const schema: StandardSchema<number> = {
      "~standard": { version: 1, vendor: "test", validate: () => found },
    };
    const codec = validated(jsonCodec<number>(), schema);
    assert.throws(() => codec.decode(textCodec.encode("1")), /asynchronous/);
  }
  await Promise.resolve();
});
