import assert from "node:assert/strict";
import { Latencies, Meter } from "../../bench/_meters.ts";
import { test } from "../_test.ts";

/** Runs with a clock that the test sets. */
function withClock(run: (setTo: (ms: number) => void) => void): void {
  let time = 0;
  const own = Object.getOwnPropertyDescriptor(performance, "now");
  Object.defineProperty(performance, "now", {
    configurable: true,
    writable: true,
    value: () => time,
  });
  try {
    run((ms) => {
      time = ms;
    });
  } finally {
    Reflect.deleteProperty(performance, "now");
    if (own !== undefined) Object.defineProperty(performance, "now", own);
  }
}

test("bench: a sink counts what comes after its warm-up, until the last look", () =>
  withClock((setTo) => {
    const meter = new Meter(0.1);
    setTo(5_000);
    for (let sent = 0; sent < 64; sent += 1) meter.note(10);
    setTo(5_100);
    for (let sent = 0; sent < 32; sent += 1) meter.note(10);
    // The clock of what counts starts here.
    setTo(5_600);
    for (let sent = 0; sent < 64; sent += 1) meter.note(10);
    setTo(9_000);
    for (let sent = 0; sent < 31; sent += 1) meter.note(10);
    assert.deepEqual(meter.result(), {
      messages: 64,
      bytes: 640,
      seconds: 0.5,
    });
    assert.equal(meter.total, 191);
    meter.look();
    assert.deepEqual(meter.result(), {
      messages: 95,
      bytes: 950,
      seconds: 3.9,
    });
  }));

test("bench: a sink without a warm-up counts from its first message on", () =>
  withClock((setTo) => {
    const meter = new Meter(0);
    setTo(1_000);
    meter.note(65_536);
    setTo(3_000);
    meter.note(65_536);
    assert.deepEqual(meter.result(), {
      messages: 2,
      bytes: 131_072,
      seconds: 2,
    });
  }));

test("bench: a sink that ends before it is warm has no figure", () =>
  withClock((setTo) => {
    const meter = new Meter(0.1);
    meter.note(10);
    setTo(99);
    meter.look();
    assert.throws(() => meter.result(), /before it was warm/);
  }));

test("bench: round trips are summed up in their order of size, those of the warm-up left out", () => {
  const latencies = new Latencies();
  latencies.note(1_000_000);
  latencies.clear();
  // More than there is room for at first.
  const count = 100_000;
  for (let index = count; index > 0; index -= 1) latencies.note(index);
  assert.deepEqual(latencies.summary(), {
    mean: (count + 1) / 2,
    p50: count / 2 + 1,
    p99: count * 0.99 + 1,
    max: count,
  });
});
