/**
 * What the shared table cannot see: how the driver of Bun uses Bun's UDP sockets.
 * All rows run on every runtime, on a stand-in for `Bun` that the test plays.
 */

import assert from "node:assert/strict";
import { bindBunDatagram, isBunDatagram } from "../../runtime/bun_datagram.ts";
import type { DatagramBindRequest } from "../../runtime/driver.ts";
import { test } from "../_test.ts";
import { DatagramProbe } from "./_datagram_probe.ts";
import { PlayedBun } from "./_played_bun.ts";
import { calling, inet, isFault, pattern } from "./_probe.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

test("bun datagram: a send that fails for an earlier one is tried again", async () => {
  const bun = new PlayedBun();
  const probe = new DatagramProbe();
  const socket = await bindBunDatagram(
    bun,
    { address: inet("127.0.0.1") },
    probe,
  );
  let sends = 0;
  bun.onSend = () => {
    if (++sends === 1) throw systemError("ECONNREFUSED");
    return true;
  };
  assert(calling(() => socket.send(pattern(1), "127.0.0.1", 9)));
  assert.equal(sends, 2);
  // Bun tells the earlier one's failure itself, with the error alone.
  bun.datagram?.error(systemError("ECONNREFUSED"));
  assert.equal(probe.faults.length, 1);
  isFault("connection-refused")(probe.faults[0]);
});

test("bun datagram: one that is too large is told once, though Bun throws and tells", async () => {
  const bun = new PlayedBun();
  const probe = new DatagramProbe();
  const socket = await bindBunDatagram(
    bun,
    { address: inet("127.0.0.1") },
    probe,
  );
  bun.onSend = () => {
    throw systemError("EMSGSIZE");
  };
  assert(calling(() => socket.send(pattern(1), "127.0.0.1", 9)));
  bun.datagram?.error(systemError("EMSGSIZE"));
  await probe.until(() => probe.faults.length > 0);
  assert.equal(probe.faults.length, 1);
  isFault("message-too-big")(probe.faults[0]);
});

test("bun datagram: only a send that was refused is owed a drain", async () => {
  const bun = new PlayedBun();
  const probe = new DatagramProbe();
  const socket = await bindBunDatagram(
    bun,
    { address: inet("127.0.0.1") },
    probe,
  );
  const native = await bun.udpSocket({
    hostname: "",
    port: 0,
    binaryType: "uint8array",
    socket: bun.datagram ?? assert.fail(),
  });
  assert(socket.send(pattern(1), "127.0.0.1", 9));
  bun.datagram?.drain(native);
  assert.equal(probe.drained, 0);
  bun.onSend = () => false;
  assert.equal(socket.send(pattern(1), "127.0.0.1", 9), false);
  bun.datagram?.drain(native);
  bun.datagram?.drain(native);
  assert.equal(probe.drained, 1);
});

test("bun datagram: what Bun's sockets lack goes by node:dgram", () => {
  const address = inet("127.0.0.1");
  const native: Omit<DatagramBindRequest, "address">[] = [
    {},
    { broadcast: true, ttl: 3, multicastTtl: 2, multicastLoopback: false },
    { memberships: [{ group: "239.1.2.3" }], multicastInterface: "127.0.0.1" },
    { reuseAddress: false, reusePort: false, ipv6Only: false },
  ];
  const lacking: Omit<DatagramBindRequest, "address">[] = [
    { reuseAddress: true },
    { reusePort: true },
    { ipv6Only: true },
    { receiveBufferSize: 1 },
    { sendBufferSize: 1 },
  ];
  for (const request of native) assert(isBunDatagram({ address, ...request }));
  for (const request of lacking) {
    assert(!isBunDatagram({ address, ...request }));
  }
});
