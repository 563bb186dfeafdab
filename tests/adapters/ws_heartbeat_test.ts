import assert from "node:assert/strict";
import { Heartbeat } from "../../adapters/_ws_heartbeat.ts";
import type { AdapterHost } from "../../adapters/adapter.ts";
import { test } from "../_test.ts";

/** Timers that a test moves by hand. */
class HandTimers {
  now = 0;
  #last = 0;
  readonly #timers = new Map<number, { at: number; run: () => void }>();

  get size(): number {
    return this.#timers.size;
  }

  setTimer(run: () => void, delayMs: number): number {
    this.#last += 1;
    this.#timers.set(this.#last, { at: this.now + delayMs, run });
    return this.#last;
  }

  clearTimer(timer: number): void {
    this.#timers.delete(timer);
  }

  advance(byMs: number): void {
    for (let ms = 0; ms < byMs; ms += 1) {
      this.now += 1;
      for (const [id, { at, run }] of [...this.#timers]) {
        if (at > this.now) continue;
        this.#timers.delete(id);
        run();
      }
    }
  }
}

function heartbeat(pingIntervalMs: number): {
  timers: HandTimers;
  beat: Heartbeat;
  log: string[];
} {
  const timers = new HandTimers();
  const log: string[] = [];
  const host: Pick<AdapterHost, "setTimer" | "clearTimer"> = timers;
  const beat = new Heartbeat(host, { pingIntervalMs, pongTimeoutMs: 30 }, {
    sendPing: () => log.push(`ping ${timers.now}`),
    heartbeatFailed: () => log.push(`failed ${timers.now}`),
  });
  return { timers, beat, log };
}

test("a heartbeat pings after each interval, and fails once a sign is late", () => {
  const { timers, beat, log } = heartbeat(100);
  beat.start();
  timers.advance(110);
  beat.heard();
  timers.advance(500);
  assert.deepEqual(log, ["ping 100", "ping 230", "failed 260"]);
  assert.equal(timers.size, 0);
});

test("what was heard before the ping is no answer to it", () => {
  const { timers, beat, log } = heartbeat(100);
  beat.start();
  timers.advance(99);
  beat.heard();
  timers.advance(200);
  assert.deepEqual(log, ["ping 100", "failed 130"]);
});

test("silence counts only while we read, and only from then on", () => {
  const { timers, beat, log } = heartbeat(100);
  beat.start();
  beat.setPaused(true);
  timers.advance(1000);
  assert(log.every((line) => line.startsWith("ping")));
  beat.setPaused(false);
  log.length = 0;
  timers.advance(300);
  assert.equal(log.at(-1)?.startsWith("failed"), true);
});

test("a heartbeat that is off, or stopped, sets no timer", () => {
  const off = heartbeat(0);
  off.beat.start();
  assert.equal(off.timers.size, 0);
  const stopped = heartbeat(100);
  stopped.beat.start();
  stopped.timers.advance(105);
  stopped.beat.stop();
  stopped.timers.advance(1000);
  assert.deepEqual(stopped.log, ["ping 100"]);
  assert.equal(stopped.timers.size, 0);
});
