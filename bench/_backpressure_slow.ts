/**
 * A program that takes its messages slowly: what it holds while much more waits
 * at the sender.
 *
 * @module
 */

import { createNode, SendStatus } from "../mod.ts";
import {
  isMessage,
  memoryKept,
  Part,
  tell,
  type TransportName,
  transportOf,
  writeMessage,
} from "./_backpressure_parts.ts";
import { memoryNow, pause } from "./_memory.ts";

/** What to measure. */
export interface SlowTask {
  readonly part: "slow consumer";
  readonly transport: TransportName;
  /** What the sender has to send, in bytes. */
  readonly total: number;
  /** Bytes of a message. */
  readonly size: number;
  /** `maxQueuedBytes` of the receiver. */
  readonly bound: number;
  /** How long the program works on a message, in milliseconds. */
  readonly workMs: number;
}

/** What came of it; bytes. */
export interface SlowResult {
  /** Messages that were sent, and that arrived: in order, and unchanged. */
  readonly sent: number;
  readonly arrived: number;
  readonly seconds: number;
  /** The most that waited in the receiver's event queue. */
  readonly queued: number;
  /** How much more the receiver held than before the first message, at most, garbage collected. */
  readonly used: number;
  /** Its resident memory above that before the first message: the most in the second and in the last quarter of the messages. */
  readonly rssEarly: number;
  readonly rssLate: number;
  /** How often the sender was answered `Congested`, and the most that its outbox held. */
  readonly congested: number;
  readonly outbox: number;
  /** How much more the sender held at its end than at its start. */
  readonly sender: number;
}

/** What the sender says when it is told to wait for the first time. */
const FULL = "full";

interface SenderTask extends Omit<SlowTask, "part"> {
  readonly part: "fast sender";
  readonly port: number;
}

interface SenderResult {
  readonly congested: number;
  readonly outbox: number;
  readonly sender: number;
}

/** Has everything to send at once, and waits whenever it is told to. */
export async function fastSender(task: SenderTask): Promise<void> {
  const { handler, listener } = createNode();
  listener.forEach(() => {});
  const { network } = handler;
  const endpoint = await network.connectAsync(transportOf(task.transport), {
    hostname: "127.0.0.1",
    port: task.port,
  });
  let congested = 0;
  let outbox = 0;
  let sender = 0;
  const before = await memoryKept();
  const message = new Uint8Array(task.size);
  for (let number = 0; number * task.size < task.total; number += 1) {
    writeMessage(message, number);
    const status = network.send(endpoint, message, { copy: true });
    if (status === SendStatus.Congested) {
      if (congested === 0) tell(FULL);
      congested += 1;
      outbox = Math.max(outbox, handler.stats().queuedBytes);
      if (congested % 32 === 0) {
        sender = Math.max(sender, (await memoryKept()).used - before.used);
      }
      await network.writable(endpoint);
    } else if (status !== SendStatus.Sent) {
      throw new Error(`Message ${number} was answered ${status}`);
    }
  }
  tell({ congested, outbox, sender } satisfies SenderResult);
  network.remove(endpoint.resourceId, { drain: 60_000 });
  await handler.stop({ drain: 60_000 });
}

/** The receiver: the process that is measured. */
export async function slowConsumer(task: SlowTask): Promise<SlowResult> {
  const { handler, listener } = createNode({ maxQueuedBytes: task.bound });
  const { address } = await handler.network.listen(
    transportOf(task.transport),
    "127.0.0.1:0",
  );
  const before = await memoryKept();
  const { transport, total, size, bound, workMs } = task;
  const sender = new Part<SenderTask>({
    part: "fast sender",
    ...{ transport, total, size, bound, workMs },
    port: address.port,
  });
  const count = total / size;
  // Nothing is taken before all is full, however slow the sender is: what is held then must not grow.
  const first = await sender.answer<typeof FULL | SenderResult>();
  let arrived = 0;
  let queued = 0;
  let used = 0;
  let rssEarly = 0;
  let rssLate = 0;
  let start = performance.now();
  for await (const event of listener) {
    if (event.type === "accepted") start = performance.now();
    if (event.type === "disconnected") break;
    if (event.type !== "message") continue;
    if (!isMessage(event.data, arrived, size)) break;
    arrived += 1;
    queued = Math.max(queued, handler.stats().queuedEventBytes);
    const { rss } = memoryNow();
    if (arrived * 4 > count && arrived * 2 <= count) {
      rssEarly = Math.max(rssEarly, rss - before.rss);
    } else if (arrived * 4 > count * 3) {
      rssLate = Math.max(rssLate, rss - before.rss);
    }
    if (arrived % Math.floor(count / 8) === 0) {
      used = Math.max(used, (await memoryKept()).used - before.used);
    }
    await pause(workMs);
  }
  const seconds = (performance.now() - start) / 1_000;
  const told = first === FULL ? await sender.answer<SenderResult>() : first;
  await handler.stop();
  await sender.end();
  return {
    sent: count,
    arrived,
    seconds,
    queued,
    used,
    rssEarly,
    rssLate,
    ...told,
  };
}
