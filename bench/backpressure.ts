/**
 * What a stalled peer and a slow consumer cost, and whether anybody else notices.
 *
 *     npm run bench:backpressure            (all runtimes)
 *     deno run -A bench/backpressure.ts     (bun …, node …)
 *
 * Each measurement runs in a process of its own, and its peer in another. What a
 * process holds is told twice: `used`, the heap with the buffers that hang on
 * it, and `rss`, all of its resident memory; both after garbage collections,
 * and less what there was before. The collector and the allocator of a runtime
 * give pages back when they like, which is what the margin of `--margin` MiB
 * (default 16) is for: it is added to each bound of `rss`, half of it to those
 * of `used`.
 *
 * How fast the other connection is, is told by the round trips for a
 * millisecond of the processor, and by those for a second of the clock: the
 * medians of all looks at it, of which there are more as long as it seems slow,
 * because other programs of the machine make now the one slower, now the other.
 *
 * The exit status is 1 when a bound is broken. `--quick` moves less and times
 * more briefly. `--only stalled` and `--only slow` leave the other out.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import {
  type EndsResult,
  type EndsTask,
  endsWhilePaused,
} from "./_backpressure_ends.ts";
import { numberOf, oneOf, readOptions } from "./_options.ts";
import { MIB, Part, tell, type TransportName } from "./_backpressure_parts.ts";
import {
  fastSender,
  slowConsumer,
  type SlowResult,
  type SlowTask,
} from "./_backpressure_slow.ts";
import {
  stalledPeer,
  type StalledResult,
  stalledSender,
  type StalledTask,
} from "./_backpressure_stalled.ts";

const options = readOptions(() => {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      only: { type: "string" },
      margin: { type: "string", default: "16" },
      part: { type: "string" },
    },
  });
  const { quick, only, margin, part } = values;
  return {
    quick,
    only: only === undefined
      ? undefined
      : oneOf("only", only, ["stalled", "slow"]),
    marginBytes: numberOf("margin", margin, 0) * MIB,
    part,
  };
});
const { marginBytes } = options;

const TRANSPORTS: readonly TransportName[] = ["FramedTcp", "Ws"];

/** How much more than its limit a process may hold. */
const SURPLUS = 1.2;

/** How many times its bound the queue of a receiver may keep: a message may be a view of what was read, and keep the rest of it. */
const PINNED = 2;

/**
 * The least share of its speed that another connection must keep: by the time
 * of the processor, and by the clock, which other programs of the machine have
 * their part in. As long as it seems to keep less, up to so many rounds are made.
 */
const LEAST_CPU_SHARE = 0.6;
const LEAST_SHARE = 0.5;
const MOST_ROUNDS = 15;

/** Bounds that were broken, in words. */
const broken: string[] = [];

function hold(isKept: boolean, what: string): void {
  if (!isKept) broken.push(what);
}

function mib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function row(...cells: readonly string[]): void {
  console.log(`| ${cells.join(" | ")} |`);
}

/** Runs one measurement in a process of its own. */
async function measured<Result, Task extends { readonly part: string }>(
  task: Task,
): Promise<Result> {
  const part = new Part(task);
  try {
    return await part.answer<Result>();
  } finally {
    await part.end();
  }
}

async function stalledPeers(): Promise<void> {
  const limit = (options.quick ? 16 : 64) * MIB;
  console.log(`\nA stalled peer, with an outbox of at most ${mib(limit)}:\n`);
  row(
    "transport",
    "message",
    "`Congested` from",
    "`QueueFull` at",
    "used",
    "rss",
    "other connection keeps: by processor time; by the clock",
    "arrived afterwards",
  );
  row(...Array.from({ length: 8 }, () => "---"));
  for (const transport of TRANSPORTS) {
    // Small ones share slabs, those at the limit of copying waste most of them, large ones go by reference.
    const sizes = options.quick
      ? [transport === "Ws" ? 100 : 16_384]
      : [100, 16_384, 100_000];
    for (const size of sizes) {
      const result = await measured<StalledResult, StalledTask>({
        part: "stalled sender",
        ...{ transport, limit, size },
        rounds: options.quick ? 3 : 5,
        mostRounds: MOST_ROUNDS,
        leastShare: LEAST_SHARE,
        leastCpuShare: LEAST_CPU_SHARE,
        speedMs: options.quick ? 120 : 400,
      });
      row(
        transport,
        `${size} B`,
        mib(result.congestedAt),
        mib(result.fullAt),
        mib(result.used),
        mib(result.rss),
        `${percent(result.cpuShare)}; ${percent(result.share)} of ${
          Math.round(result.freeSpeed / 1_000)
        } k/s`,
        `${result.arrived} of ${result.accepted}`,
      );
      const what = `stalled peer, ${transport}, ${size} B`;
      hold(result.congestedAt >= MIB, `${what}: Congested below its mark`);
      hold(result.congestedAt <= 2 * MIB, `${what}: Congested too late`);
      hold(result.fullAt <= limit, `${what}: more queued than the limit`);
      hold(result.fullAt >= limit - 2 * size, `${what}: QueueFull too early`);
      hold(
        result.used <= limit * SURPLUS + marginBytes / 2,
        `${what}: ${mib(result.used)} used`,
      );
      hold(
        result.rss <= limit * SURPLUS + marginBytes,
        `${what}: ${mib(result.rss)} resident`,
      );
      hold(
        result.cpuShare >= LEAST_CPU_SHARE && result.share >= LEAST_SHARE,
        `${what}: the other connection slowed to ${
          percent(result.cpuShare)
        } by processor time, to ${percent(result.share)} by the clock`,
      );
      hold(
        result.arrived === result.accepted,
        `${what}: ${result.arrived} of ${result.accepted} arrived`,
      );
    }
  }
}

async function slowConsumers(): Promise<void> {
  const total = (options.quick ? 64 : 1_024) * MIB;
  const bound = (options.quick ? 24 : 64) * MIB;
  const workMs = 5;
  console.log(
    `\nA consumer that works ${workMs} ms a message, bound ${
      mib(bound)
    }; the sender has ${mib(total)} to send:\n`,
  );
  row(
    "transport",
    "took",
    "queued at most",
    "used",
    "rss, 2nd quarter",
    "rss, last quarter",
    "sender: `Congested`",
    "its outbox",
    "it used",
    "arrived",
  );
  row(...Array.from({ length: 10 }, () => "---"));
  for (const transport of TRANSPORTS) {
    const result = await measured<SlowResult, SlowTask>({
      part: "slow consumer",
      ...{ transport, total, bound, workMs },
      size: 256 << 10,
    });
    row(
      transport,
      `${result.seconds.toFixed(1)} s`,
      mib(result.queued),
      mib(result.used),
      mib(result.rssEarly),
      mib(result.rssLate),
      `${result.congested} times`,
      mib(result.outbox),
      mib(result.sender),
      `${result.arrived} of ${result.sent}`,
    );
    const what = `slow consumer, ${transport}`;
    // What was on its way when the sockets paused still enters.
    hold(result.queued <= bound + 4 * MIB, `${what}: ${mib(result.queued)}`);
    hold(
      result.used <= bound * PINNED + marginBytes / 2,
      `${what}: ${mib(result.used)} used`,
    );
    hold(
      result.rssLate <= result.rssEarly * 1.1 + marginBytes,
      `${what}: resident memory grew from ${mib(result.rssEarly)} to ${
        mib(result.rssLate)
      }`,
    );
    hold(result.congested > 0, `${what}: the sender was never told`);
    hold(result.outbox <= 2 * MIB, `${what}: outbox of ${mib(result.outbox)}`);
    hold(
      result.arrived === result.sent,
      `${what}: ${result.arrived} of ${result.sent} arrived`,
    );
  }
}

async function main(): Promise<void> {
  if (options.only !== "slow") await stalledPeers();
  if (options.only !== "stalled") await slowConsumers();
  const { fin, reset } = await measured<EndsResult, EndsTask>({
    part: "ends while paused",
  });
  const known = (isKnown: boolean) => isKnown ? "at once" : "once it reads on";
  console.log(
    `\nA paused node knows of a FIN behind unread data ${
      known(fin)
    }, of a reset ${known(reset)}.`,
  );
  for (const what of broken) console.log(`BROKEN: ${what}`);
  console.log(broken.length === 0 ? "\nAll bounds are kept." : "");
  if (broken.length > 0) process.exitCode = 1;
}

/** Does what one process of a measurement has to do. */
async function work(text: string): Promise<void> {
  const task = JSON.parse(text);
  switch (task.part) {
    case "stalled peer":
      return await stalledPeer(task);
    case "fast sender":
      return await fastSender(task);
    case "stalled sender":
      return tell(await stalledSender(task));
    case "slow consumer":
      return tell(await slowConsumer(task));
    case "ends while paused":
      return tell(await endsWhilePaused());
    default:
      throw new Error(`There is no part ${task.part}`);
  }
}

if (options.part === undefined) await main();
else await work(options.part);
