/**
 * What `process_test.ts` runs in a process of its own. The argument says how
 * the node ends.
 *
 * @module
 */

import process from "node:process";
import { createNode, Transport, ws } from "../../mod.ts";
import { tempSocketPath } from "../_support.ts";
import { CA, identity } from "../tls/_certificates.ts";

const how = process.argv[2];
const { handler, listener } = createNode<string>();
const { network } = handler;

const task = listener.forEach((event) => {
  if (event.type !== "message") return;
  if (how === "throws") throw new Error("nobody awaits this");
  network.send(event.endpoint, event.data);
  console.log("message");
  if (network.resources().length > 0 && how === "stops") void handler.stop();
});

const endpoints = [];
for (
  const transport of [
    Transport.FramedTcp,
    Transport.Tcp,
    Transport.Udp,
    Transport.Ws,
    ws({ engine: "native" }),
  ]
) {
  const { address } = await network.listen(transport, "127.0.0.1:0");
  endpoints.push(
    await network.connectAsync(transport, {
      hostname: "127.0.0.1",
      port: address.port,
    }),
  );
}
await network.listen(Transport.Memory, "memory:process");
await network.connectAsync(Transport.Memory, "memory:process");
if (process.platform !== "win32") {
  const path = tempSocketPath();
  await network.listen(Transport.FramedUnix, { path });
  await network.connectAsync(Transport.FramedUnix, { path });
}
const secure = await network.listen(Transport.FramedTcp, "127.0.0.1:0", {
  tls: identity("server"),
  idleTimeoutMs: 3_600_000,
});
await network.connectAsync(Transport.FramedTcp, secure.address, {
  tls: { ca: CA, serverName: "server.test" },
});
// One that is still connecting, again and again.
network.connect(Transport.FramedTcp, "127.0.0.1:1", {
  reconnect: { initialDelayMs: 3_000_000 },
});
handler.signals.sendWithTimer("in an hour", 3_600_000);
const [first] = endpoints;
if (first !== undefined) network.send(first, "go");
if (how === "stops") {
  await task;
  console.log("stopped");
}
