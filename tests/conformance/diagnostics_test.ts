import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import {
  type DiagnosticMessage,
  type DiagnosticName,
  Transport,
} from "../../mod.ts";
import { currentRuntimeCommand, run } from "../_support.ts";
import {
  conforms,
  conformsOn,
  eventually,
  pair,
  type World,
} from "./_nodes.ts";
import { oriented } from "./_transports.ts";

const framedTcp = oriented.find(({ name }) => name === "FramedTcp");
assert(framedTcp !== undefined);

const NAMES: readonly DiagnosticName[] = [
  "listening",
  "accepted",
  "refused",
  "connected",
  "disconnected",
  "reconnecting",
  "closed",
  "paused",
  "resumed",
];

type Told = [DiagnosticName, DiagnosticMessage];

/** Keeps what is published while the test runs, of these nodes alone. */
function listen(world: World, of: (message: DiagnosticMessage) => boolean) {
  const told: Told[] = [];
  for (const name of NAMES) {
    const take = (message: unknown) => {
      assert(isMessage(message), name);
      if (of(message)) told.push([name, message]);
    };
    subscribe(`signalbox.${name}`, take);
    world.defer(() => void unsubscribe(`signalbox.${name}`, take));
  }
  return told;
}

function isMessage(message: unknown): message is DiagnosticMessage {
  return typeof message === "object" && message !== null && "node" in message;
}

conformsOn(
  oriented,
  "what happens to a connection is published, with its endpoint and what went over it",
  async (world, row) => {
    const all = listen(world, () => true);
    const { server, client, toServer, toClient, listening } = await pair(
      world,
      row,
      { connect: { reconnect: { initialDelayMs: 1, maxDelayMs: 1 } } },
    );
    client.network.send(toServer, "four");
    await server.received(4);
    server.remove(toClient.resourceId);
    await client.event("connected", 1);
    client.remove(toServer.resourceId);
    await server.event("disconnected");
    server.remove(listening.resourceId);
    const told = (node: object) =>
      all.filter(([, message]) => message.node === node);
    const ofClient = told(client.handler);
    assert.deepEqual(ofClient.map(([name]) => name), [
      "connected",
      "disconnected",
      "reconnecting",
      "connected",
      "closed",
    ]);
    for (const [, message] of ofClient) {
      assert.equal(message.resourceId, toServer.resourceId);
      assert.equal(message.endpoint, toServer);
      assert.equal(message.transport, row.adapter.name);
    }
    const [connected, disconnected, attempt, again] = ofClient.map((
      [, message],
    ) => message);
    assert.equal(connected?.ok, true);
    assert.equal(connected?.stats?.messagesSent, 0);
    assert.equal(disconnected?.willReconnect, true);
    assert.equal(typeof disconnected?.reason, "string");
    assert.equal(disconnected?.stats?.bytesSent, 4);
    assert.equal(attempt?.attempt, 1);
    assert((attempt?.delayMs ?? 2) < 1);
    assert.equal(attempt?.error?.code, "connection-reset");
    assert.equal(again?.stats?.reconnects, 1);
    const ofServer = told(server.handler);
    assert.deepEqual(ofServer.map(([name]) => name), [
      "listening",
      "accepted",
      "closed",
      "accepted",
      "disconnected",
      "closed",
    ]);
    assert.equal(ofServer[0]?.[1].resourceId, listening.resourceId);
    assert.equal(ofServer[0]?.[1].endpoint, undefined);
    assert.equal(ofServer[1]?.[1].listener, listening.resourceId);
    assert.equal(ofServer[4]?.[1].willReconnect, false);
  },
);

conforms(
  "Node",
  "refusals, pauses and failed connects are published",
  async (world) => {
    const server = world.idle("the server", { maxQueuedEvents: 1 });
    const client = world.node("the client");
    const told = listen(
      world,
      ({ node }) => node === server.handler || node === client.handler,
    );
    const names = (node: object) =>
      told.filter(([, message]) => message.node === node).map(([name]) => name);
    const { address } = await server.listenLasting(framedTcp, {
      maxConnections: 1,
    });
    client.network.connect(Transport.FramedTcp, address);
    await eventually("a pause", () => names(server.handler).includes("paused"));
    client.network.connect(Transport.FramedTcp, address);
    await eventually(
      "a refusal",
      () => names(server.handler).includes("refused"),
    );
    server.start();
    await eventually("more", () => names(server.handler).includes("resumed"));
    assert.deepEqual(names(server.handler), [
      "listening",
      "accepted",
      "paused",
      "refused",
      "resumed",
    ]);
    await server.handler.stop();
    const last = client.network.connect(Transport.FramedTcp, address);
    await client.until(
      "a failure",
      () => client.all("connected").some(({ endpoint }) => endpoint === last),
    );
    const [, failed] = told.find(([, { endpoint }]) => endpoint === last) ??
      assert.fail();
    assert.equal(failed.ok, false);
    assert.equal(failed.error?.code, "connection-refused");
  },
);

conforms(
  "Node",
  "what a subscriber throws is an uncaught error of the runtime, and the node goes on",
  async () => {
    const { code, stdout, stderr } = await run(
      currentRuntimeCommand(
        new URL("./_throwing_subscriber.ts", import.meta.url),
        [],
      ),
    );
    assert.equal(stderr.replaceAll(/.*[Ww]arning.*\n?/g, ""), "");
    assert.deepEqual(stdout.trim().split("\n"), [
      "event connected",
      "event accepted",
      "event message",
      "stopped",
      "uncaught of the subscriber to listening",
      "uncaught of the subscriber to connected",
      "uncaught of the subscriber to accepted",
      "uncaught of the subscriber to closed",
    ]);
    assert.equal(code, 0);
  },
);
