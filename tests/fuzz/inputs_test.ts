/** The fuzzer's own parts: a seed means the same inputs everywhere, and a failure gets small. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "../_test.ts";
import { FRAMING_TARGETS } from "./_framing_targets.ts";
import { HANDSHAKE_TARGETS } from "./_handshake_targets.ts";
import { minimise } from "./_minimise.ts";
import { concat, cuts, latin1, mutate, pieces } from "./_mutate.ts";
import { Random } from "./_random.ts";
import { inputOf } from "./_target.ts";
import { TEXT_TARGETS } from "./_text_targets.ts";
import { helloSource } from "./_tls_hellos.ts";
import { WEB_SOCKET_TARGETS } from "./_web_socket_targets.ts";

const SOURCES = [
  ...FRAMING_TARGETS,
  ...WEB_SOCKET_TARGETS,
  ...HANDSHAKE_TARGETS,
  ...TEXT_TARGETS,
  helloSource,
];

/** A short digest of many inputs. */
function digestOf(make: (random: Random) => Uint8Array): string {
  const digest = createHash("sha256");
  for (let index = 0; index < 200; index += 1) {
    const input = make(new Random(1, "digest", index));
    digest.update(`${input.length} `).update(input);
  }
  return digest.digest("hex").slice(0, 16);
}

test("fuzz: a seed makes the same inputs on every runtime", () => {
  // Not from the vectors: those may become more.
  const corpus = ["", "a", "\x02ab\x03abc", "GET / HTTP/1.1\r\n\r\n"]
    .map(latin1);
  const mutated = digestOf((random) =>
    mutate(random, random.pick(corpus), corpus.slice(1), corpus.slice(1))
  );
  const composed = SOURCES.map((source) => digestOf(source.compose));
  assert.equal(mutated, "3db929c8e92e158a");
  assert.equal(digestOf(() => latin1(composed.join())), "dc5beb9a71ef0f04");
});

for (const source of SOURCES) {
  test(`fuzz ${source.name}: no two inputs need be alike`, () => {
    const seen = new Set<string>();
    for (let index = 0; index < 500; index += 1) {
      seen.add(inputOf(source, new Random(1, source.name, index)).join());
    }
    assert(seen.size > 300, `${seen.size} of 500 are different`);
  });
}

test("fuzz: an input of any index is made without those before it", () => {
  const [source] = SOURCES;
  assert(source !== undefined);
  const make = (index: number) => inputOf(source, new Random(7, "x", index));
  const [first, second] = [make(1), make(2)];
  assert.deepEqual(make(2), second);
  assert.notDeepEqual(first, second);
});

test("fuzz: pieces are the input, however it is cut", () => {
  for (let index = 0; index < 300; index += 1) {
    const random = new Random(1, "cuts", index);
    const input = random.bytes(random.below(600));
    assert.deepEqual(concat(pieces(input, cuts(random, input.length))), input);
  }
});

test("fuzz: a failing input is made as small as it can be", async () => {
  const input = new Random(1, "noise", 0).bytes(900);
  input.set(latin1("bad"), 417);
  const small = await minimise(
    input,
    (candidate) => new TextDecoder("latin1").decode(candidate).includes("bad"),
    3_000,
  );
  assert.deepEqual(small, latin1("bad"));
});
