import assert from "node:assert/strict";
import type { ReconnectOptions } from "../../mod.ts";
import { conformsOn, eventually } from "../conformance/_nodes.ts";
import { QUICK, SLOW } from "../conformance/_reconnecting.ts";
import { packets } from "../conformance/_transports.ts";
import { callPair, collect, isRpcError, patient } from "./_calls.ts";

const queueing: ReconnectOptions = { ...QUICK, queueLimit: 10_000 };

conformsOn(
  packets,
  "a call during an outage waits for the next connection; those in flight end with the old one",
  async (world, row) => {
    for (const reconnect of [QUICK, queueing]) {
      const { server, client, toServer, toClient, rpc, log } = await callPair(
        world,
        row,
        { nodes: { connect: { reconnect } } },
      );
      const hanging = rpc.call(toServer, "hang", null, patient);
      const stream = collect(rpc.stream(toServer, "silent", null, patient));
      hanging.catch(() => {});
      stream.catch(() => {});
      await eventually("both have begun", () => log.started.length === 2);
      server.network.remove(toClient.resourceId);
      await client.event("disconnected");
      await assert.rejects(hanging, isRpcError("disconnected"));
      await assert.rejects(stream, isRpcError("disconnected"));
      assert.deepEqual(
        await Promise.all(
          [1, 2, 3].map((n) => rpc.call(toServer, "add", [n, 1], patient)),
        ),
        [2, 3, 4],
      );
      assert.deepEqual(await collect(rpc.stream(toServer, "count", 3)), [
        1,
        2,
        3,
      ]);
      assert.equal(rpc.stats().calls, 0);
    }
  },
);

conformsOn(
  packets,
  "a call that waits during an outage keeps its time limit, and ends with the endpoint",
  async (world, row) => {
    const { server, client, toServer, toClient, rpc } = await callPair(
      world,
      row,
      { nodes: { connect: { reconnect: SLOW } } },
    );
    server.network.remove(toClient.resourceId);
    await client.event("disconnected");
    await assert.rejects(
      rpc.call(toServer, "add", [1, 2], { timeoutMs: 5 }),
      isRpcError("timed-out"),
    );
    const waiting = rpc.call(toServer, "add", [1, 2], patient);
    client.network.remove(toServer.resourceId);
    await assert.rejects(waiting, isRpcError("disconnected"));
    assert.equal(rpc.stats().calls, 0);
  },
);
