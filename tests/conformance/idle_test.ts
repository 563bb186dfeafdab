import assert from "node:assert/strict";
import {
  attachWebSocket,
  SendStatus,
  type StandardWebSocketLike,
  Transport,
} from "../../mod.ts";
import {
  conforms,
  conformsOn,
  eventually,
  halfPair,
  isNetworkError,
  pair,
  stalledPair,
  turns,
} from "./_nodes.ts";
import { oriented, transports } from "./_transports.ts";
import { virtualPair } from "./_virtual.ts";

conformsOn(
  transports,
  "a connection with idleTimeoutMs that nothing goes over ends with the reason timeout",
  async (world, row) => {
    const began = performance.now();
    const { server, client, toServer } = await halfPair(world, row, {
      connect: { idleTimeoutMs: 40 },
    });
    const { endpoint, reason, error, willReconnect } = await client.event(
      "disconnected",
    );
    // The clocks of runtimes are coarse.
    assert(performance.now() - began > 39);
    assert.equal(endpoint, toServer);
    assert.equal(reason, "timeout");
    assert.equal(willReconnect, false);
    isNetworkError("timed-out", /40 ms/)(error);
    assert.equal(
      client.network.send(toServer, "late"),
      SendStatus.ResourceNotFound,
    );
    if (row.isOriented) {
      assert.equal((await server.event("disconnected")).reason, "closed");
    }
    await turns();
    assert.equal(client.events.length, 2);
    assert.equal(client.handler.stats().timers, 0);
  },
);

conformsOn(
  oriented,
  "a listener with idleTimeoutMs ends each connection that nothing goes over, and the peer sees an ordinary end",
  async (world, row) => {
    const { server, client, toClient } = await pair(world, row, {
      listen: { idleTimeoutMs: 40 },
    });
    const { endpoint, reason } = await server.event("disconnected");
    assert.equal(endpoint, toClient);
    assert.equal(reason, "timeout");
    const seen = await client.event("disconnected");
    assert.equal(seen.reason, "closed");
    assert.equal(seen.error, undefined);
  },
);

conformsOn(
  oriented,
  "with reconnect an idle connection is made again",
  async (world, row) => {
    const { server, client } = await pair(world, row, {
      connect: {
        idleTimeoutMs: 20,
        reconnect: { initialDelayMs: 1, maxDelayMs: 1 },
      },
    });
    const { reason, willReconnect } = await client.event("disconnected");
    assert.equal(reason, "timeout");
    assert.equal(willReconnect, true);
    await server.event("accepted", 1);
    assert.equal((await client.event("connected", 1)).ok, true);
  },
);

conformsOn(
  oriented,
  "a connection that is removed, or whose node stops, leaves no timer of its idle time",
  async (world, row) => {
    const { client, server, toServer } = await pair(world, row, {
      connect: { idleTimeoutMs: 2_147_483_647 },
      listen: { idleTimeoutMs: 2_147_483_647 },
    });
    client.remove(toServer.resourceId);
    await server.event("disconnected");
    assert.equal(client.events.length, 1);
    await server.handler.stop();
  },
);

conformsOn(
  oriented,
  "a node that reads nothing because its own queue is full is not idle",
  async (world, row) => {
    const { server, client, toServer } = await stalledPair(
      world,
      row,
      { idleTimeoutMs: 60 },
    );
    // The accepted event fills the queue of the server, which listens without a limit.
    await eventually("a full queue", () => server.handler.stats().isPaused);
    const slow = world.idle("the slow node", { maxQueuedEvents: 1 });
    const listening = await slow.listen(row, { idleTimeoutMs: 20 });
    client.connect(row, listening);
    await client.event("connected", 1);
    assert.equal((await client.event("disconnected")).endpoint, toServer);
    assert.equal(slow.handler.stats().connections, 1);
    slow.start();
    assert.equal((await slow.event("disconnected")).reason, "timeout");
  },
);

conforms(
  "Ws",
  "idleTimeoutMs holds for a WebSocket that was attached too",
  async (world) => {
    const node = world.node();
    const socket = new SilentSocket();
    node.network.attach(attachWebSocket(socket, { idleTimeoutMs: 20 }));
    const { reason } = await node.event("disconnected");
    assert.equal(reason, "timeout");
    assert.equal(socket.closed, 1);
  },
);

/** An open WebSocket that nothing comes from. */
class SilentSocket implements StandardWebSocketLike {
  readonly readyState = 1;
  readonly bufferedAmount = 0;
  readonly protocol = "";
  binaryType = "arraybuffer";
  closed = 0;
  onopen: unknown = null;
  onmessage: unknown = null;
  onerror: unknown = null;
  onclose: unknown = null;
  send(): void {}
  close(): void {
    this.closed += 1;
    const { onclose } = this;
    setTimeout(() => {
      if (typeof onclose === "function") {
        onclose({ code: 1000, reason: "", wasClean: true });
      }
    }, 0);
  }
  addEventListener(): void {}
  removeEventListener(): void {}
}

for (const direction of ["sent", "received"] as const) {
  conforms(
    "Memory",
    `each message ${direction} begins the idle time anew; it ends after once to one and a quarter times`,
    async (world) => {
      const { server, client, clock, pass, stop } = await virtualPair(world, {
        idleTimeoutMs: 1_000,
      });
      const [from, to] = direction === "sent"
        ? [client, client.all("connected")[0]]
        : [server, server.all("accepted")[0]];
      assert(to !== undefined);
      let last = 0;
      for (const quiet of [990, 10, 700, 999, 333, 999]) {
        await pass(quiet);
        last = clock.now();
        assert.equal(client.count("disconnected"), 0, `after ${quiet}`);
        assert.equal(from.network.send(to.endpoint, ""), SendStatus.Sent);
      }
      await pass(999);
      assert.equal(client.count("disconnected"), 0);
      while (client.count("disconnected") === 0) {
        assert(clock.now() - last <= 1_252);
        await pass(1);
      }
      await stop();
    },
  );
}

for (const how of ["remove", "the peer's end"] as const) {
  conforms(
    "Memory",
    `after ${how} no timer of the idle time is left`,
    async (world) => {
      const { server, client, endpoint, clock, pass, stop } = await virtualPair(
        world,
        { idleTimeoutMs: 60_000 },
      );
      if (how === "remove") client.remove(endpoint.resourceId);
      else void server.handler.stop();
      await pass(14_000);
      assert.equal(clock.pending, 0);
      await stop();
    },
  );
}

conforms(
  "Memory",
  "the idle time of a connection begins when it is ready",
  async (world) => {
    const { client, pass, stop } = await virtualPair(world, {
      idleTimeoutMs: 400,
    });
    await pass(390);
    assert.equal(client.count("disconnected"), 0);
    await pass(15);
    assert.equal(client.count("disconnected"), 1);
    await stop();
  },
);

conforms(
  "Udp",
  "idleTimeoutMs of a listener is not-supported: it has no connections",
  async (world) => {
    const node = world.node();
    await assert.rejects(
      node.network.listen(Transport.Udp, "127.0.0.1:0", { idleTimeoutMs: 50 }),
      isNetworkError("not-supported", /idleTimeoutMs.*Udp/),
    );
    await node.network.listen(Transport.Udp, "127.0.0.1:0", {
      idleTimeoutMs: 0,
    });
  },
);
