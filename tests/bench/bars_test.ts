import assert from "node:assert/strict";
import { BARS, judge } from "../../bench/_bars.mjs";
import { runWithin, WorkloadRun } from "../../bench/_run.mjs";
import {
  barTable,
  format,
  lossTable,
  workloadTable,
} from "../../bench/_report.mjs";
import { test } from "../_test.ts";

function contender(id: string, runtime: string | null, ...values: number[]) {
  const [value = NaN] = values;
  return {
    id,
    label: id,
    runtime,
    isOurs: id.startsWith("signalbox"),
    runs: values.map((value) => ({ value })),
    failures: [],
    figures: {
      value: {
        median: value,
        min: Math.min(...values),
        max: Math.max(...values),
        count: values.length,
      },
    },
  };
}

function workload(id: string, ...contenders: ReturnType<typeof contender>[]) {
  return {
    id,
    title: id,
    unit: "messages/s",
    better: "higher" as "higher" | "lower",
    contenders,
  };
}

function verdictOf(
  workloads: ReturnType<typeof workload>[],
  bar: string,
  subject: string,
) {
  const verdict = judge(workloads).find((verdict) =>
    verdict.bar === bar && verdict.subject === subject
  );
  assert.ok(verdict !== undefined);
  return verdict;
}

test("bench: a bar of at least so much is met at the bar and missed below it", () => {
  for (
    const [own, expected] of [[60, "met"], [61, "met"], [59, "missed"]] as const
  ) {
    const { verdict, ratio } = verdictOf(
      [workload(
        "framed-tcp-64",
        contender("signalbox-bun", "bun", own),
        contender("bare-bun", "bun", 100),
      )],
      "framed-tcp-bare",
      "bun",
    );
    assert.equal(verdict, expected);
    assert.equal(ratio, own / 100);
  }
});

test("bench: a bar of at most so much counts the best rival", () => {
  const { verdict, ratio, rival } = verdictOf(
    [workload(
      "ws-echo",
      contender("signalbox-deno", "deno", 30),
      contender("ws-deno", "deno", 40),
      contender("native-ws-deno", "deno", 20),
    )],
    "ws-echo",
    "deno",
  );
  assert.equal(verdict, "missed");
  assert.equal(ratio, 1.5);
  assert.equal(rival, "native-ws-deno");
});

test("bench: a bar with one side missing is neither met nor missed", () => {
  const { verdict, ratio } = verdictOf(
    [workload("framed-tcp-64", contender("signalbox-node", "node", 5))],
    "framed-tcp-message-io",
    "node",
  );
  assert.equal(verdict, "not measured");
  assert.equal(ratio, undefined);
});

test("bench: a bar with several rivals is judged when all of them were measured", () => {
  const { verdict } = verdictOf(
    [workload(
      "ws-echo",
      contender("signalbox-deno", "deno", 30),
      contender("native-ws-deno", "deno", 40),
    )],
    "ws-echo",
    "deno",
  );
  assert.equal(verdict, "not measured");
});

test("bench: a size is held against its limit itself", () => {
  const sizes = workload(
    "bundle-size",
    contender("./framed_tcp", null, 11.5),
    contender("./browser", null, 10.5),
  );
  assert.equal(
    verdictOf([sizes], "size-framed-tcp", "./framed_tcp").verdict,
    "met",
  );
  assert.equal(
    verdictOf([sizes], "size-browser", "./browser").verdict,
    "missed",
  );
});

test("bench: the table of bars has a row for each, whatever was measured", () => {
  const { head, rows } = barTable(judge([]));
  assert.equal(rows.length, BARS.length);
  for (const row of rows) {
    assert.equal(row.length, head.length);
    assert.ok(row.includes("not measured"), row.join());
  }
});

test("bench: what is a runtime's own is compared with signalbox on it alone", () => {
  const { head, rows } = workloadTable(workload(
    "framed-tcp-64",
    contender("signalbox-deno", "deno", 20),
    contender("signalbox-bun", "bun", 30),
    contender("bare-deno", "deno", 40),
    contender("bare-bun", "bun", 60),
    contender("message-io", null, 2),
  ));
  assert.deepEqual(head.slice(-2), ["signalbox, Deno", "signalbox, Bun"]);
  assert.deepEqual(rows.map((row) => row.slice(-2)), [
    ["", ""],
    ["", ""],
    ["0.50 ×", ""],
    ["", "0.50 ×"],
    ["10.0 ×", "15.0 ×"],
  ]);
});

test("bench: every rival that is ahead is told of, and no other", () => {
  const { rows } = lossTable([
    workload(
      "one-way",
      contender("signalbox-deno", "deno", 90),
      contender("signalbox-bun", "bun", 98),
      contender("bare-deno", "deno", 100),
      contender("bare-bun", "bun", 100),
      contender("message-io", null, 2),
    ),
    {
      ...workload(
        "echo",
        contender("signalbox-node", "node", 30),
        contender("protosocket", null, 20),
      ),
      better: "lower",
    },
  ]);
  assert.deepEqual(rows, [
    ["one-way", "bare-deno", "0.90 ×", "", ""],
    ["echo", "protosocket", "", "", "1.50 ×"],
  ]);
});

test("bench: figures have three digits that mean something", () => {
  assert.equal(format(14_470_000, "messages/s"), "14.5 M");
  assert.equal(format(1_460_000_000, "bytes/s"), "1.46 G");
  assert.equal(format(25.04, "µs"), "25.0");
  assert.equal(format(91_234.5, "µs"), "91,235");
});

test("bench: who fails is named, and the others are measured all the same", async () => {
  const entry = (id: string, run: () => Promise<{ value: number }>) => ({
    id,
    label: id,
    runtime: undefined,
    isOurs: false,
    isPeer: false,
    run,
  });
  let attempts = 0;
  const run = new WorkloadRun({
    id: "some",
    title: "some",
    unit: "messages/s",
    better: "higher",
    isQuick: true,
    contenders: () => [
      entry("good", () => Promise.resolve({ value: 5 })),
      entry("bad", () => {
        attempts += 1;
        return Promise.reject(new Error("no socket"));
      }),
    ],
  }, options(4));
  for (let round = 0; round < 4; round += 1) await run.round();
  const { contenders } = run.result();
  assert.equal(contenders[0]?.figures.value?.count, 4);
  assert.deepEqual(contenders[1]?.failures, ["no socket", "no socket"]);
  assert.equal(attempts, 2);
});

test("bench: a quick run ends its rounds when the time is over", async () => {
  let time = 0;
  const counts: number[] = [];
  await runWithin([{
    id: "slow",
    title: "slow",
    unit: "messages/s",
    better: "higher",
    isQuick: true,
    contenders: () => [{
      id: "one",
      label: "one",
      runtime: undefined,
      isOurs: false,
      isPeer: false,
      run: () => {
        time += 40;
        return Promise.resolve({ value: 1 });
      },
    }],
  }], {
    ...options(5),
    budgetMs: 100,
    now: () => time,
    onResult: ({ contenders }) => counts.push(contenders[0]?.runs.length ?? 0),
  });
  assert.deepEqual(counts, [2]);
});

function options(runs: number) {
  return {
    settings: {
      runs,
      warmupSeconds: 0,
      seconds: 0,
      longSeconds: 0,
      bulkMessages: 0,
      signals: 0,
      connections: 0,
    },
    takesPart: () => true,
    onProgress: () => {},
  };
}
