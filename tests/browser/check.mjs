/**
 * Loads a page in headless Chromium that has the package in a bundle, and lets it
 * exchange messages with a node on each runtime.
 */
import { spawn } from "node:child_process";
import { copyFileSync, existsSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { failed, passed, skipped, sum } from "../../scripts/_outcome.mjs";
import { bunPath, denoPath, nodePath, root } from "../../scripts/runtimes.mjs";
import { inProject } from "../package/check.mjs";

const MESSAGES = 1_000;
const LIMIT_MS = 60_000;

const CHROMIUMS = [
  process.env.CHROMIUM_PATH ?? "",
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
  "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
];

const server = join(root, "tests", "browser", "server.ts");

/** @type {() => [string, string, string[]][]} */
const servers = () => [
  ["Deno", denoPath(), ["run", "--allow-all", "--no-check", "--quiet", server]],
  ["Bun", bunPath(), [server]],
  ["Node", nodePath(26), [server]],
];

/** @returns {Promise<import("../../scripts/_outcome.mjs").Outcome>} */
export async function checkBrowser() {
  const executablePath = CHROMIUMS.find((path) => existsSync(path));
  if (executablePath === undefined) {
    return skipped(
      "there is no Chromium or Chrome here (on Debian: apt-get install chromium); CHROMIUM_PATH names one elsewhere",
    );
  }
  const { chromium } = await import("playwright-core");
  const script = await bundlePage();
  const alien = /getBuiltinModule|listenDatagram|\bBun\b/.exec(script);
  if (alien !== null) {
    return failed(
      `the bundle for browsers has code of another runtime: ${alien[0]}`,
    );
  }
  const pages = await servePage(script);
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
  try {
    const outcomes = [];
    for (const [runtime, command, args] of servers()) {
      const page = await browser.newPage();
      await page.goto(pages.url);
      const outcome = await withServer(
        command,
        args,
        (url) => exercise(page, url),
      );
      await page.close();
      if (outcome.failed > 0) {
        outcome.notes.unshift(`with a node on ${runtime}:`);
      }
      outcomes.push(outcome);
    }
    return sum(outcomes);
  } finally {
    await browser.close();
    await pages.close();
  }
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} url
 */
async function exercise(page, url) {
  const rows = [
    [
      `${MESSAGES} messages`,
      () =>
        page.evaluate(([to, count]) => globalThis.exchange(to, count), [
          url,
          MESSAGES,
        ]),
    ],
    ["closed", () => page.evaluate((to) => globalThis.beClosed(to), url)],
    // A browser keeps to itself why a connection failed, so any refusal will do.
    [
      /^(connection-refused|connection-failed|connection-reset|unknown|io)$/,
      () =>
        page.evaluate(
          (to) => globalThis.connectToNobody(to),
          "ws://127.0.0.1:1",
        ),
    ],
  ];
  const outcomes = [];
  for (const [expected, run] of rows) {
    try {
      const result = await inTime(run());
      const good = expected instanceof RegExp
        ? expected.test(result)
        : expected === result;
      outcomes.push(
        good ? passed() : failed(`expected ${expected}, got ${result}`),
      );
    } catch (error) {
      outcomes.push(failed(String(error)));
    }
  }
  return sum(outcomes);
}

/** @template T @param {Promise<T>} promise @returns {Promise<T>} */
async function inTime(promise) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`took longer than ${LIMIT_MS} ms`)),
      LIMIT_MS,
    );
  });
  try {
    return await Promise.race([promise, limit]);
  } finally {
    clearTimeout(timer);
  }
}

/** The page's script, from the package as it is installed. */
function bundlePage() {
  return inProject(async (folder) => {
    const { build } = await import("esbuild");
    const page = join(folder, "page.ts");
    copyFileSync(join(root, "tests", "browser", "page.ts"), page);
    const { outputFiles: [file] } = await build({
      absWorkingDir: folder,
      entryPoints: [page],
      bundle: true,
      platform: "browser",
      format: "iife",
      target: "es2022",
      write: false,
      logLevel: "silent",
    });
    return file.text;
  });
}

/** @param {string} script */
async function servePage(script) {
  const http = createServer((request, response) => {
    const isScript = request.url === "/page.js";
    response.setHeader(
      "content-type",
      isScript ? "text/javascript" : "text/html; charset=utf-8",
    );
    response.end(
      isScript
        ? script
        : '<!doctype html><link rel="icon" href="data:,"><script src="/page.js"></script>',
    );
  });
  await new Promise((resolve) =>
    http.listen(0, "127.0.0.1", () => resolve(undefined))
  );
  const address = http.address();
  const port = typeof address === "object" && address !== null
    ? address.port
    : 0;
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve(undefined));
        http.closeAllConnections();
      }),
  };
}

/**
 * Runs `use` with the address of a server that lives as long as it does.
 *
 * @param {string} command
 * @param {string[]} args
 * @param {(url: string) => Promise<import("../../scripts/_outcome.mjs").Outcome>} use
 */
async function withServer(command, args, use) {
  const child = spawn(command, args, {
    cwd: root,
    stdio: ["pipe", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (errors += text));
  const ended = new Promise((resolve) => child.once("close", resolve));
  try {
    let port;
    for await (const line of createInterface({ input: child.stdout })) {
      port = /^port (\d+)$/.exec(line)?.[1];
      if (port !== undefined) break;
    }
    if (port === undefined) {
      return failed(`the server did not start:\n${errors}`);
    }
    const outcome = await use(`ws://127.0.0.1:${port}`);
    // The server stops when its input ends; that it then exits is part of the check.
    child.stdin.end();
    const code = await inTime(ended);
    return code === 0
      ? outcome
      : sum([outcome, failed(`the server ended with ${code}:\n${errors}`)]);
  } finally {
    child.kill("SIGKILL");
  }
}
