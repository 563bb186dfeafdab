/**
 * When what is sent leaves, as far as only the socket can tell. All rows run on
 * every runtime, on a stand-in for `Deno` that the test plays.
 */

import assert from "node:assert/strict";
import { createNode, type Endpoint, Transport } from "../../mod.ts";
import { connectDenoStream } from "../../runtime/deno_stream.ts";
import { nodeDriver } from "../../runtime/node.ts";
import { PlayedConn, stand, turn } from "../runtime/_played_deno.ts";
import { test } from "../_test.ts";

/** Notes the order of its reads and writes. */
class NotedConn extends PlayedConn {
  readonly log: string[] = [];

  override read(bytes: Uint8Array): Promise<number | null> {
    this.log.push("read");
    return super.read(bytes);
  }

  override write(bytes: Uint8Array): Promise<number> {
    this.log.push(`write ${bytes.length}`);
    return super.write(bytes);
  }

  /** Completes the read with these bytes, and lets only microtasks run. */
  async receive(bytes: readonly number[]): Promise<void> {
    const read = this.lastRead();
    this.reads.length = 0;
    this.log.length = 0;
    read.bytes.set(bytes);
    read.resolve(bytes.length);
    for (let hops = 0; hops < 8; hops += 1) await null;
  }
}

/** A node with so many played connections; `answer` is called for each message. */
async function connected(
  count: number,
  answer: (
    send: (to: number, data: Uint8Array) => void,
    data: Uint8Array,
  ) => void,
): Promise<{ conns: NotedConn[]; stop: () => Promise<void> }> {
  const conns: NotedConn[] = [];
  const endpoints: Endpoint[] = [];
  const deno = stand({
    connect: () => {
      const conn = new NotedConn();
      conns.push(conn);
      return Promise.resolve(conn);
    },
  });
  const driver = {
    ...nodeDriver(),
    connectStream: connectDenoStream.bind(undefined, deno),
  };
  const { handler, listener } = createNode({ driver });
  const send = (to: number, data: Uint8Array) => {
    const endpoint = endpoints[to];
    assert(endpoint !== undefined);
    handler.network.send(endpoint, data);
  };
  const task = listener.forEach((event) => {
    if (event.type === "message") answer(send, event.data);
  });
  for (let index = 0; index < count; index += 1) {
    endpoints.push(
      await handler.network.connectAsync(
        Transport.FramedTcp,
        "127.0.0.1:4000",
      ),
    );
  }
  await turn();
  return {
    conns,
    stop: async () => {
      await handler.stop();
      await task;
    },
  };
}

test("answers: those to all messages of a read leave in one write, before the next read", async () => {
  const { conns, stop } = await connected(1, (send, data) => send(0, data));
  const [conn] = conns;
  assert(conn !== undefined);
  await conn.receive([1, 7, 0, 2, 8, 9]);
  assert.deepEqual(conn.log, ["write 6", "read"]);
  assert.deepEqual([...conn.writes[0]?.bytes ?? []], [1, 7, 0, 2, 8, 9]);
  await stop();
});

test("answers: what waits for a write under way leaves in one write after it", async () => {
  const { conns, stop } = await connected(1, (send, data) => send(0, data));
  const [conn] = conns;
  assert(conn !== undefined);
  await conn.receive([1, 1]);
  await conn.receive([1, 2]);
  await conn.receive([1, 3]);
  assert.deepEqual(conn.log, ["read"]);
  await conn.wrote(2);
  assert.deepEqual(conn.log, ["read", "write 4"]);
  await stop();
});

test("answers: what several reads of a moment send to others leaves in one write to each", async () => {
  const { conns, stop } = await connected(3, (send, data) => send(2, data));
  const [first, second, third] = conns;
  assert(first !== undefined && second !== undefined && third !== undefined);
  third.log.length = 0;
  await Promise.all([
    first.receive([1, 1, 1, 2]),
    second.receive([1, 3]),
  ]);
  assert.deepEqual(third.log, ["write 6"]);
  assert.deepEqual([first.log, second.log], [["read"], ["read"]]);
  await stop();
});

test("answers: what is sent later leaves too, though a read was answered before", async () => {
  let later = () => {};
  const { conns, stop } = await connected(1, (send, data) => {
    send(0, data);
    later = () => send(0, data);
  });
  const [conn] = conns;
  assert(conn !== undefined);
  await conn.receive([1, 1]);
  await conn.wrote(2);
  later();
  later();
  await null;
  assert.deepEqual(conn.log, ["write 2", "read", "write 4"]);
  await stop();
});
