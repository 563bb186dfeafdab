/**
 * The bytes of heap that receiving one message of 64 bytes takes in steady
 * state, beside what one view and one event object take on this runtime.
 *
 * A `source` of FramedTcp connects to it. The heap is looked at every so many
 * messages, inside the callback. Where a collection came between two looks, the
 * difference says nothing, so the middle one of many is taken; and it is started
 * so that there are few collections: on V8 with a large young generation, on
 * JavaScriptCore, which counts what is used at collections only, with none.
 *
 *     node --min-semi-space-size=64 --max-semi-space-size=64 bench/allocation.ts
 *     BUN_JSC_useGC=0 bun bench/allocation.ts
 *
 * @module
 */

import process from "node:process";
import { createNode, formatAddress, FramedTcp } from "../mod.ts";
import { endWithInput, fail, report } from "./_peer_command.ts";

const SIZE = 64;
const WARMUP = 200_000;
const WINDOW = 40_000;
const WINDOWS = 15;

/** Keeps events for a moment, as a program does that works with them: the compilers may not leave their making out. */
const kept: unknown[] = new Array(64).fill(undefined);

/** Looks at the heap once in a window. */
class HeapWatch {
  readonly differences: number[] = [];
  #count = -WARMUP;
  #then = 0;

  // Hot: one call a message.
  /** One message was received, or made; true when enough was seen. */
  step(): boolean {
    this.#count += 1;
    if (this.#count < 0 || this.#count % WINDOW !== 0) return false;
    const now = process.memoryUsage().heapUsed;
    if (this.#count > 0) this.differences.push((now - this.#then) / WINDOW);
    // The look itself takes heap, which is not the message's.
    this.#then = process.memoryUsage().heapUsed;
    return this.differences.length === WINDOWS;
  }

  /** Bytes a message. */
  result(): number {
    const sorted = this.differences.toSorted((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? NaN;
  }
}

/** What one view and one event of the same shape take. */
function viewAndEvent(): number {
  const watch = new HeapWatch();
  const chunk = new Uint8Array(65_536);
  const endpoint = {};
  for (let index = 0;; index += 1) {
    const at = (index * (SIZE + 1)) % (chunk.length - SIZE);
    kept[index % kept.length] = {
      type: "message",
      endpoint,
      data: chunk.subarray(at, at + SIZE),
      isText: false,
      tag: 0,
    };
    if (watch.step()) return watch.result();
  }
}

endWithInput();
const reference = viewAndEvent();
const watch = new HeapWatch();
let messages = 0;
const { handler, listener } = createNode();
const task = listener.forEach((event) => {
  if (event.type !== "message") return;
  kept[messages % kept.length] = event;
  messages += 1;
  if (!watch.step()) return;
  report({
    bytesPerMessage: watch.result(),
    viewAndEvent: reference,
    seconds: 0,
  });
  process.exit(0);
});
try {
  const { address } = await handler.network.listen(FramedTcp, "127.0.0.1:0");
  report({ ready: true, address: formatAddress(address) });
  await task;
} catch (error) {
  fail(error);
}
