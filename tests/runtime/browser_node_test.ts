/** The node of the browser entry, whose parts are others, against a node of the main entry. */
import assert from "node:assert/strict";
import * as page from "../../browser.ts";
import { createNode, NetworkError, Transport } from "../../mod.ts";
import { browserDriver } from "../../runtime/browser.ts";
import { test } from "../_test.ts";

/** The driver of pages, but for turns: their port would stay open, which only a page does not mind. */
const driver = {
  ...browserDriver(),
  defer: (callback: () => void): void => void setTimeout(callback, 0),
};

function hasCode(code: string): (error: unknown) => boolean {
  return (error) =>
    (error instanceof NetworkError || error instanceof page.NetworkError) &&
    error.code === code;
}

test("a page's node exchanges messages, and hears the end", async () => {
  const server = createNode();
  const { address } = await server.handler.network.listen(
    Transport.Ws,
    "127.0.0.1:0",
  );
  const serving = server.listener.forEach((event) => {
    if (event.type !== "message") return;
    server.handler.network.send(event.endpoint, event.data);
    server.handler.network.remove(event.endpoint.resourceId, { drain: true });
  });
  const { handler, listener } = page.createNode({ driver });
  const seen: string[] = [];
  handler.network.connect(page.Ws, address);
  for await (const event of listener) {
    seen.push(event.type);
    if (event.type === "connected") {
      assert.ok(event.ok);
      handler.network.send(event.endpoint, new Uint8Array([1, 2, 3]));
    } else if (event.type === "message") {
      assert.deepEqual([...event.data], [1, 2, 3]);
    } else if (event.type === "disconnected") break;
  }
  assert.deepEqual(seen, ["connected", "message", "disconnected"]);
  const stats = handler.stats();
  assert.deepEqual(
    [stats.messagesSent, stats.messagesReceived, stats.listeners],
    [1, 1, 0],
  );
  await handler.stop();
  await server.handler.stop();
  await serving;
});

test("a page's node gives its signals in order: priority, due timers, others", async () => {
  const { handler, listener } = page.createNode<string>({ driver });
  const receiver = listener.enqueue();
  const { signals } = handler;
  const later = signals.sendWithTimer("later", 3_600_000);
  signals.sendWithTimer("due", 5);
  const cancelled = signals.sendWithTimer("cancelled", 1);
  assert.ok(signals.cancelTimer(cancelled));
  assert.equal(signals.cancelTimer(cancelled), false);
  const end = driver.now() + 6;
  while (driver.now() < end) {
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
  }
  signals.send("plain");
  signals.sendWithPriority("first");
  const taken: string[] = [];
  while (taken.length < 3) {
    const event = await receiver.receive();
    if (event.type === "signal") taken.push(event.signal);
  }
  assert.deepEqual(taken, ["first", "due", "plain"]);
  // One that is waited for comes when it is due.
  signals.sendWithTimer("awaited", 5);
  const event = await receiver.receive();
  assert.ok(event.type === "signal" && event.signal === "awaited");
  assert.ok(signals.cancelTimer(later));
  await handler.stop();
});

test("a page's node has neither listeners nor streams: not-supported", async () => {
  const { handler } = page.createNode({ driver });
  const { network } = handler;
  await assert.rejects(
    network.listen(page.Ws, "127.0.0.1:0"),
    hasCode("not-supported"),
  );
  assert.throws(
    () => network.connect(Transport.FramedTcp, "127.0.0.1:9"),
    hasCode("not-supported"),
  );
  assert.throws(
    () => network.connect(page.Ws, "ws://user:secret@127.0.0.1:9"),
    hasCode("invalid-address"),
  );
  assert.deepEqual(network.resources(), []);
  await handler.stop();
  await assert.rejects(
    network.listen(page.Ws, "127.0.0.1:0"),
    hasCode("stopped"),
  );
});
