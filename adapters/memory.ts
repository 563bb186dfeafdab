/**
 * Messages inside one process.
 *
 * @module
 */

import { varintFraming } from "../framing/varint.ts";
import { memoryDriver } from "../runtime/memory.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { internetAddress } from "./_options.ts";
import { streamTransport } from "./_stream_transport.ts";
import type {
  Adapter,
  ConnectOptions,
  ListenOptions,
  TargetAddress,
} from "./adapter.ts";

function memoryAddress(address: TargetAddress, anyHost: string): SocketAddress {
  if (address.path !== "") {
    return { family: "memory", hostname: "", port: 0, path: address.path };
  }
  return internetAddress("Memory", address, ["memory"], anyHost);
}

/** Where nodes on the sockets of a runtime meet. */
const shared = memoryDriver();

/**
 * Messages between the nodes of one process, without sockets: for tests, and for
 * parts of a program that may move to other machines later. It keeps every
 * promise of a framed transport, backpressure and ways of ending included.
 *
 * A node whose driver is a memory driver stays in the network of that; all others
 * meet in one that they share.
 *
 * Addresses: `"memory:name"`, `{ path: "name" }`, or host and port as with TCP;
 * the hosts are `localhost` and IP addresses, and have nothing to do with the machine's.
 */
export const Memory: Adapter = streamTransport<ConnectOptions, ListenOptions>({
  id: 6,
  name: "Memory",
  framing: varintFraming,
  isPacketBased: true,
  // A node in a memory network of its own stays in it.
  driverOf: (driver) => driver.name === "memory" ? driver : shared,
  connectRequest(address) {
    if (address.port === 0) {
      throw new Fault(
        "invalid-address",
        `Cannot connect to ${address.text} with Memory: port 0 is no address`,
      );
    }
    return { address: memoryAddress(address, "127.0.0.1") };
  },
  listenRequest: (address) => ({ address: memoryAddress(address, "0.0.0.0") }),
});
