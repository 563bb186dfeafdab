/**
 * What every driver's clock and timers must do.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Row } from "./driver_contract.ts";

export const timerRows: readonly Row[] = [
  {
    name: "now never goes back",
    run: ({ driver }) => {
      let last = driver.now();
      for (let i = 0; i < 1_000; i++) {
        const now = driver.now();
        assert(now >= last);
        last = now;
      }
    },
  },
  {
    name: "a timer fires once, after its delay",
    run: async ({ driver }) => {
      const order: string[] = [];
      const timer = await new Promise<object | number>((resolve) => {
        // Not by the clock: the runtimes count from when their loop last looked at it.
        setTimeout(() => order.push("a shorter one"), 28);
        const handle = driver.setTimer(() => {
          order.push("it");
          resolve(handle);
        }, 30);
      });
      driver.clearTimer(timer);
      await new Promise<void>((resolve) => driver.setTimer(resolve, 5));
      assert.deepEqual(order, ["a shorter one", "it"]);
    },
  },
  {
    name: "timers fire by deadline, and one that was cleared does not",
    run: async ({ driver }) => {
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        // So late that a machine which stands still between two lines does not reach it.
        const late = driver.setTimer(() => order.push("late"), 60_000);
        const cleared = driver.setTimer(() => order.push("cleared"), 10);
        driver.setTimer(() => order.push("early"), 5);
        driver.setTimer(() => {
          order.push("last");
          driver.clearTimer(late);
          resolve();
        }, 40);
        driver.clearTimer(cleared);
        driver.clearTimer(cleared);
      });
      assert.deepEqual(order, ["early", "last"]);
    },
  },
  {
    name: "the longest delay is not taken for none",
    run: async ({ driver }) => {
      let fired = 0;
      const timer = driver.setTimer(() => fired++, 2 ** 31 - 1);
      await new Promise<void>((resolve) => driver.setTimer(resolve, 5));
      driver.clearTimer(timer);
      assert.equal(fired, 0);
    },
  },
  {
    name: "deferred tasks run in order, after the callback that deferred them",
    run: async ({ driver }) => {
      const order: string[] = [];
      await new Promise<void>((resolve) => {
        driver.defer(() => {
          driver.defer(() => {
            order.push("third");
            resolve();
          });
          order.push("first");
        });
        driver.defer(() => order.push("second"));
        order.push("now");
      });
      assert.deepEqual(order, ["now", "first", "second", "third"]);
    },
  },
];
