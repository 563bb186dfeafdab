/**
 * A program for `bun_driver_test.ts`: its callback of the name given throws. It
 * ends with status 0 if nobody hears of that.
 */

import process from "node:process";
import { detectDriver } from "../../runtime/detect.ts";

const where = process.argv[2];
function reach(callback: string): void {
  if (callback === where) throw new Error(`thrown in ${callback}`);
}

const driver = detectDriver();
const address = {
  family: "ipv4",
  hostname: "127.0.0.1",
  port: 0,
  path: "",
} as const;
if (where === "message") {
  const socket = await driver.bindDatagram({ address }, {
    message: () => reach("message"),
    drain() {},
    fault() {},
    closed() {},
  });
  socket.send(new Uint8Array(1), "127.0.0.1", socket.localAddress.port);
} else {
  const listener = await driver.listenStream({ address }, {
    accept(socket) {
      reach("accept");
      return {
        open() {},
        data: () => reach("data"),
        drain() {},
        end() {
          socket.shutdown();
          reach("end");
        },
        closed: () => reach("closed"),
      };
    },
    fault() {},
  });
  const client = driver.connectStream({ address: listener.address }, {
    open() {
      client.write(new Uint8Array(1));
      client.shutdown();
    },
    data() {},
    drain() {},
    end() {},
    closed() {},
  });
}
// Long after it must have thrown, also where a machine is slow.
setTimeout(() => process.exit(0), 8_000);
