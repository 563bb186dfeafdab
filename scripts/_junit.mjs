/**
 * Reads the JUnit reports of `deno test`, `bun test` and `node --test`.
 *
 * @typedef {object} TestResult
 * @property {string} name
 * @property {string} file relative to the top folder, or "" where the runner does not tell
 * @property {"passed" | "failed" | "skipped"} outcome
 * @property {number} ms
 * @property {string} message why it failed or was skipped
 */
import { relative } from "node:path";
import { root } from "./runtimes.mjs";

/**
 * The tests of a report, in its order.
 *
 * @param {string} xml
 * @returns {TestResult[]}
 */
export function readJUnit(xml) {
  /** @type {TestResult[]} */
  const results = [];
  // Attribute values hold no raw "<", so this much structure can be read without a parser.
  const cases = /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g;
  for (const [, head = "", body = ""] of xml.matchAll(cases)) {
    const attributes = readAttributes(head);
    const failure = /<(failure|error)\b([^>]*?)(?:\/>|>([\s\S]*?)<\/\1>)/.exec(
      body,
    );
    const skipped = /<skipped\b([^>]*?)\/?>/.exec(body);
    results.push({
      name: attributes.name ?? "",
      file: fileOf(attributes),
      outcome: failure !== null
        ? "failed"
        : skipped !== null
        ? "skipped"
        : "passed",
      ms: Math.round(Number(attributes.time ?? 0) * 1000),
      message: failure !== null
        ? (plain(failure[3] ?? "") ||
          readAttributes(failure[2] ?? "").message) ??
          ""
        : skipped !== null
        ? readAttributes(skipped[1] ?? "").message ?? ""
        : "",
    });
  }
  return results;
}

/** @param {Record<string, string>} attributes */
function fileOf({ file, classname = "" }) {
  const path = file ?? classname;
  // Node and Deno name the file that called the runner, which is the one that wraps it.
  if (!path.endsWith("_test.ts") || path.endsWith("/_test.ts")) return "";
  const inside = path.startsWith(root) ? relative(root, path) : path;
  return inside.replaceAll("\\", "/").replace(/^\.\//, "");
}

/** @param {string} head */
function readAttributes(head) {
  /** @type {Record<string, string>} */
  const attributes = {};
  for (
    const [, name = "", value = ""] of head.matchAll(/([\w:-]+)="([^"]*)"/g)
  ) {
    attributes[name] = plain(value);
  }
  return attributes;
}

/** @param {string} text */
function plain(text) {
  return text
    .replace(/<!\[CDATA\[([\s\S]*?)\]\]>/g, "$1")
    .replace(
      /&#(x?)([0-9a-f]+);/gi,
      (_, hex, code) =>
        String.fromCodePoint(parseInt(code, hex === "" ? 10 : 16)),
    )
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&apos;", "'")
    .replaceAll("&amp;", "&")
    // Node before 26 escapes quotation marks twice.
    .replaceAll("&quot;", '"')
    .trim();
}
