/**
 * A server that echoes, a good client that was there before the attack, and a look at memory.
 *
 * @module
 */

import assert from "node:assert/strict";
import process from "node:process";
import type {
  Adapter,
  ConnectOptions,
  Listening,
  ListenOptions,
} from "../../mod.ts";
import type { TestNode, World } from "../conformance/_nodes.ts";

/** A good client that was there before, and is served still. */
export interface Bystander {
  /** Fails unless a message of it comes back. */
  check(): Promise<void>;
}

/** A listener under attack. */
export interface Besieged {
  readonly server: TestNode;
  readonly listening: Listening;
  readonly good: Bystander;
}

/** Listens, echoes, and lets a good client in. */
export async function besieged<Options extends ListenOptions>(
  world: World,
  transport: Adapter<ConnectOptions, Options>,
  options: Options,
): Promise<Besieged> {
  const server = world.node("the server");
  const client = world.node("the bystander");
  server.onEvent = (event) => {
    if (event.type === "message" && event.data.length < 100) {
      server.network.send(event.endpoint, event.data);
    }
  };
  const listening = await server.network.listen(
    transport,
    "127.0.0.1:0",
    options,
  );
  const toServer = client.network.connect(transport, {
    hostname: "127.0.0.1",
    port: listening.address.port,
  });
  assert.ifError((await client.event("connected")).error);
  if (transport.isConnectionOriented) await server.event("accepted");
  let count = 0;
  const check = async () => {
    count += 1;
    const text = `still here ${count}`;
    client.network.send(toServer, text);
    await client.until(
      `the echo of ${text}`,
      () => client.texts().at(-1) === text,
    );
    assert.equal(client.count("disconnected"), 0);
  };
  await check();
  return { server, listening, good: { check } };
}

/** The memory of the process that the system counts, in MiB. */
export function residentMiB(): number {
  return process.memoryUsage().rss / (1 << 20);
}
