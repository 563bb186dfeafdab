/**
 * A program for `permission_test.ts`: it asks the driver for each kind of socket,
 * and prints what came of it.
 */

import process from "node:process";
import { detectDriver } from "../../runtime/detect.ts";
import { Fault } from "../../runtime/fault.ts";

const driver = detectDriver();
const address = {
  family: "ipv4",
  hostname: "127.0.0.1",
  port: 0,
  path: "",
} as const;
const quiet = { accept: () => undefined, fault() {} };

function tell(what: string, fault: unknown): void {
  const code = fault instanceof Fault ? fault.code : String(fault ?? "done");
  console.log(`${what}: ${code}`);
}

async function ask(
  what: string,
  begin: () => Promise<{ close(): Promise<void> }>,
): Promise<void> {
  try {
    const listener = await begin();
    await listener.close();
    tell(what, undefined);
  } catch (error) {
    tell(what, error);
  }
}

await ask("streams", () => driver.listenStream({ address }, quiet));
await ask("WebSockets", () =>
  driver.listenWebSocket({
    address,
    maxMessageSize: 1024,
    admit: () => "",
  }, quiet));
await ask("datagrams", async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const socket = await driver.bindDatagram({ address }, {
    message() {},
    drain() {},
    fault() {},
    closed: () => resolve(),
  });
  return {
    close(): Promise<void> {
      socket.close();
      return promise;
    },
  };
});
const port = Number(process.argv[2]);
driver.connectStream({ address: { ...address, port } }, {
  open() {},
  data() {},
  drain() {},
  end() {},
  closed: (fault) => tell("connecting", fault),
});
