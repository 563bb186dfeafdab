import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import { encodeBase64 } from "../../framing/_base64.ts";
import { sha1 } from "../../framing/_sha1.ts";
import { Utf8Check } from "../../framing/_utf8_check.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { cut } from "./_web_socket_frames.ts";

test("SHA-1 equals the system's for every length around a block, and for any bytes", () => {
  const same = (bytes: Uint8Array): void =>
    assert.equal(
      Buffer.from(sha1(bytes)).toString("hex"),
      createHash("sha1").update(bytes).digest("hex"),
    );
  for (let length = 0; length <= 200; length++) {
    same(Uint8Array.from({ length }, (_, i) => i * 31));
  }
  fc.assert(fc.property(fc.uint8Array({ maxLength: 500 }), same));
});

test("base64 equals the system's for any bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.equal(encodeBase64(bytes), Buffer.from(bytes).toString("base64"));
    }),
  );
});

test("the UTF-8 check agrees with a fatal TextDecoder on any bytes, however cut", () => {
  const isUtf8 = (bytes: Uint8Array): boolean => {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
      return true;
    } catch {
      return false;
    }
  };
  const lead = fc.constantFrom(
    0x00,
    0x41,
    0x7f,
    0x80,
    0x9f,
    0xa0,
    0xbf,
    0xc1,
    0xc2,
    0xdf,
    0xe0,
    0xe1,
    0xed,
    0xef,
    0xf0,
    0xf3,
    0xf4,
    0xf5,
    0xff,
  );
  const bytes = fc.oneof(
    fc.array(lead, { maxLength: 8 }).map((list) => Uint8Array.from(list)),
    fc.string({ unit: "binary" }).map((text) => new TextEncoder().encode(text)),
  );
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(10)), (whole, cuts) => {
      const check = new Utf8Check();
      const isSound = cut(whole, cuts).every((part) =>
        check.accept(part, 0, part.length)
      );
      assert.equal(isSound && check.isComplete, isUtf8(whole));
    }),
    { numRuns: 3000 },
  );
});
