/** The workloads that need no network, or a program of their own: signals, allocation, import, size. */
import { signalbox } from "./_contenders.mjs";
import { rates } from "./_figures.mjs";
import {
  bundleSize,
  compileModules,
  moduleUrl,
  subpaths,
} from "./_modules.mjs";
import { programOn, runAlone, runPair } from "./_processes.mjs";
import { RUNTIME_NAMES, RUNTIMES } from "./_runtimes.mjs";

/**
 * @typedef {import("./_workloads.mjs").Settings} Settings
 * @typedef {import("./_workloads.mjs").Figures} Figures
 * @typedef {import("./_workloads.mjs").Workload} Workload
 * @typedef {import("./_workloads.mjs").Entry} Entry
 */

const TIMEOUT_MS = 30_000;
/** Bytes of the messages whose reception is looked at. */
const SIZE = 64;

/**
 * @param {object} options
 * @param {string} options.id
 * @param {string} options.what
 * @param {string} options.title without their number
 * @param {string} options.rival
 * @param {boolean} options.isQuick
 * @returns {Workload}
 */
export function signals({ id, what, title, rival, isQuick }) {
  const of = (/** @type {"signalbox" | "runtime"} */ who) =>
    RUNTIMES.map((runtime) => ({
      id: `${who}-${runtime}`,
      label: who === "signalbox"
        ? `signalbox, ${RUNTIME_NAMES[runtime]}`
        : `${RUNTIME_NAMES[runtime]}, ${rival}`,
      runtime,
      isOurs: who === "signalbox",
      isPeer: false,
      run: async (/** @type {Settings} */ settings) =>
        rates(
          await runAlone(
            programOn(runtime, "bench/signals.ts", [
              "--what",
              what,
              "--with",
              who,
              "--count",
              String(settings.signals),
            ]),
            { timeoutMs: 2 * TIMEOUT_MS },
          ),
        ),
    }));
  return {
    id,
    title: ({ signals }) =>
      `${
        signals === 1_000_000 ? "One million" : signals.toLocaleString("en")
      } ${title}`,
    unit: "signals/s",
    better: "higher",
    isQuick,
    contenders: () => [...of("signalbox"), ...of("runtime")],
  };
}

/** Both ends of the heap's counting work best with few collections or none. */
const HEAP_FLAGS = ["--min-semi-space-size=64", "--max-semi-space-size=64"];

/** @type {Workload} */
export const allocation = {
  id: "allocation",
  title: "Heap that receiving a 64 B message takes, FramedTcp",
  unit: "bytes",
  better: "lower",
  isQuick: true,
  contenders: () =>
    signalbox().flatMap(({ id, label, runtime, command }) => {
      /**
       * Both figures come of one process: whose turn is first starts it.
       * @type {Promise<Record<string, unknown>> | undefined}
       */
      let other;
      const result = () => {
        const own = other ?? measure();
        other = other === undefined ? own : undefined;
        return own;
      };
      const measure = () =>
        runPair({
          listening: programOn(runtime, "bench/allocation.ts", [], {
            deno: [`--v8-flags=${HEAP_FLAGS.join(",")}`],
            node: HEAP_FLAGS,
          }),
          connecting: (address) =>
            command([
              "source",
              "--transport",
              "framed-tcp",
              "--connect",
              address,
              "--size",
              String(SIZE),
              "--seconds",
              String(TIMEOUT_MS / 1_000),
            ]),
          result: "listening",
          env: runtime === "bun" ? { BUN_JSC_useGC: "0" } : {},
          timeoutMs: TIMEOUT_MS,
        });
      return [{
        id,
        label,
        runtime,
        isOurs: true,
        isPeer: false,
        run: async () => ({ value: Number((await result()).bytesPerMessage) }),
      }, {
        id: `view-and-event-${runtime}`,
        label: `${RUNTIME_NAMES[runtime]}, one view and one event`,
        runtime,
        isOurs: false,
        isPeer: false,
        run: async () => ({ value: Number((await result()).viewAndEvent) }),
      }];
    }),
};

/** @type {Workload} */
export const importTime = {
  id: "import-time",
  title: "Import of each subpath in a new process",
  unit: "ms",
  better: "lower",
  isQuick: false,
  prepare: compileModules,
  contenders: () =>
    Object.entries(subpaths()).flatMap(([subpath, file]) =>
      RUNTIMES.map((runtime) => ({
        id: `${subpath}-${runtime}`,
        label: subpath,
        runtime,
        isOurs: true,
        isPeer: false,
        run: async () => {
          const { seconds } = await runAlone(
            programOn(runtime, "bench/import_time.mjs", [
              moduleUrl(runtime, file),
            ]),
            {
              timeoutMs: TIMEOUT_MS,
              // Node keeps nothing of what it compiled unless it is told to.
              env: { NODE_DISABLE_COMPILE_CACHE: "1" },
            },
          );
          return { value: Number(seconds) * 1_000 };
        },
      }))
    ),
};

/** @type {Workload} */
export const bundleSizes = {
  id: "bundle-size",
  title: "Bundle of each subpath, minified and gzipped",
  unit: "KiB",
  better: "lower",
  isQuick: true,
  isFixed: true,
  contenders: () => {
    const modules = Object.entries(subpaths());
    const entries = modules.map(([subpath, file]) => size(subpath, [file]));
    const { "./node": node, "./framed_tcp": framedTcp } = subpaths();
    // What a program bundles that uses the one transport alone.
    if (node !== undefined && framedTcp !== undefined) {
      entries.push(size("./node and ./framed_tcp", [node, framedTcp]));
    }
    return entries;
  },
};

/**
 * @param {string} label
 * @param {readonly string[]} files
 * @returns {Entry}
 */
function size(label, files) {
  return {
    id: label,
    label,
    runtime: undefined,
    isOurs: true,
    isPeer: false,
    run: async () => {
      const { minified, gzipped } = await bundleSize(files);
      return { value: gzipped / 1_024, minified: minified / 1_024 };
    },
  };
}
