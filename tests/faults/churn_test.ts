import assert from "node:assert/strict";
import type { Endpoint } from "../../mod.ts";
import { eventually, turns } from "../conformance/_nodes.ts";
import { openProxy } from "./_proxy.ts";
import { seededOn } from "./_random.ts";
import { streamRows, tcpRows } from "./_rows.ts";

const MOST = 8;

seededOn(
  streamRows,
  "maxConnections holds while connections come and go, and every place that falls free is given again",
  async (world, row, random) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row, { maxConnections: MOST });
    let most = 0;
    server.onEvent = () => {
      most = Math.max(most, server.handler.stats().connections);
    };
    const living: Endpoint[] = [];
    client.onEvent = (event) => {
      if (event.type === "connected" && event.ok) living.push(event.endpoint);
    };
    let begun = 0;
    for (let round = 0; round < 12; round += 1) {
      const more = round === 0 ? 2 * MOST : random.between(1, 12);
      for (let n = more; n > 0; n -= 1) {
        client.connect(row, listening);
        begun += 1;
      }
      await client.until("outcomes", () => client.count("connected") === begun);
      if (round === 0) {
        await eventually(
          "refusals",
          () => server.handler.stats().connectionsRefused === MOST,
        );
      }
      for (let n = random.below(living.length + 1); n > 0; n -= 1) {
        const [endpoint] = living.splice(random.below(living.length), 1);
        if (endpoint !== undefined) client.remove(endpoint.resourceId);
      }
      await turns(1);
    }
    assert(most <= MOST, `${most} at once`);
    for (const { resourceId } of living) client.remove(resourceId);
    // Each has been accepted or refused by then: none is left that would take a place later.
    await eventually("every end", () => {
      const { connections, connectionsRefused } = server.handler.stats();
      return connections === 0 &&
        server.count("accepted") + connectionsRefused === begun;
    });
    // All places are free again: as many as before are served, at once.
    const served: Endpoint[] = [];
    for (let n = 0; n < MOST; n += 1) {
      served.push(client.connect(row, listening));
    }
    await client.until(
      "outcomes",
      () => client.count("connected") === begun + MOST,
    );
    const heard = server.count("message");
    for (const endpoint of served) client.network.send(endpoint, "here");
    await eventually("all", () => server.count("message") - heard === MOST);
    assert.equal(server.count("accepted") <= begun + MOST, true);
  },
);

seededOn(
  tcpRows,
  "places that resets free are given again",
  async (world, row) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const listening = await server.listen(row, { maxConnections: 2 });
    const proxy = await openProxy(world, row, listening);
    for (let round = 0; round < 10; round += 1) {
      const endpoint = client.network.connect(row.adapter, proxy.address);
      assert.ifError((await client.event("connected", round)).error);
      client.network.send(endpoint, "here");
      await server.messages(round + 1);
      (await proxy.link(round)).reset();
      await client.event("disconnected", round);
      await server.event("disconnected", round);
    }
    assert.equal(server.handler.stats().connectionsRefused, 0);
    assert.equal(server.handler.stats().connections, 0);
  },
);
