/**
 * Writes both lock files anew: package-lock.json for npm and bun.lockb for Bun.
 *
 * Neither names a download address, so that they are the same behind any mirror
 * of the registry. npm has a setting for that. Bun takes an empty address for
 * "where the registry keeps it", but always writes a full one; the addresses are
 * taken out of the binary file here.
 *
 * Run it after a change to the development dependencies: `node scripts/lock.mjs`.
 */
import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bunPath, ensureDependencies, npm, root } from "./runtimes.mjs";

/** A string in the lock file is 8 bytes: offset, then length with its top bit set; all zero is "". */
const REFERENCE_BYTES = 8;
const LONG_STRING = 0x8000_0000;

npm(["install", "--package-lock-only", "--ignore-scripts"]);
ensureDependencies();

const file = join(root, "bun.lockb");
rmSync(file, { force: true });
const result = spawnSync(bunPath(), ["install", "--lockfile-only"], {
  cwd: root,
  stdio: "inherit",
});
if (result.status !== 0) throw new Error("bun install --lockfile-only failed");

const bytes = readFileSync(file);
const removed = removeAddresses(bytes);
writeFileSync(file, bytes);
console.log(`Took ${removed} download addresses out of bun.lockb.`);

/**
 * Empties every string that is a web address, in place.
 *
 * @param {Buffer} lock
 * @returns {number} how many there were
 */
function removeAddresses(lock) {
  const text = lock.toString("latin1");
  const addresses = [...text.matchAll(/https?:\/\/[\x21-\x7e]+?\.tgz/g)];
  const [first] = addresses;
  if (first === undefined) return 0;
  const strings = findStrings(lock, addresses);
  let removed = 0;
  for (const { index, 0: address } of addresses) {
    const wanted = Buffer.alloc(REFERENCE_BYTES);
    wanted.writeUInt32LE(index - strings, 0);
    wanted.writeUInt32LE((address.length | LONG_STRING) >>> 0, 4);
    const at = lock.indexOf(wanted);
    if (at < 0) throw new Error(`No reference to ${address} was found`);
    lock.fill(0, at, at + REFERENCE_BYTES);
    lock.fill(0, index, index + address.length);
    removed++;
  }
  return removed;
}

/**
 * Where the strings begin in the file: the one place for which there is a
 * reference to each of the addresses.
 *
 * @param {Buffer} lock
 * @param {RegExpExecArray[]} addresses
 */
function findStrings(lock, addresses) {
  /** @type {Map<number, number>} */
  const votes = new Map();
  const lengths = new Map(
    addresses.map(({ index, 0: { length } }) => [index, length]),
  );
  for (let at = 0; at + REFERENCE_BYTES <= lock.length; at++) {
    const length = lock.readUInt32LE(at + 4);
    if (length < LONG_STRING) continue;
    const offset = lock.readUInt32LE(at);
    for (const [index, wanted] of lengths) {
      if (wanted !== length - LONG_STRING || offset > index) continue;
      votes.set(index - offset, (votes.get(index - offset) ?? 0) + 1);
    }
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  if (best === undefined) throw new Error("No strings were found in bun.lockb");
  return best[0];
}
