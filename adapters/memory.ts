/**
 * Messages inside one process.
 *
 * @module
 */

import { varintFraming } from "../framing/varint.ts";
import { memoryDriver } from "../runtime/memory.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { streamTransport } from "./_stream_transport.ts";
import type {
  Adapter,
  ConnectOptions,
  ListenOptions,
  TargetAddress,
} from "./adapter.ts";

function memoryAddress(address: TargetAddress): SocketAddress {
  if (address.path !== "") {
    return { family: "memory", hostname: "", port: 0, path: address.path };
  }
  if (address.port === undefined) {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with Memory: it is no name and no port`,
    );
  }
  return {
    family: "memory",
    hostname: address.hostname,
    port: address.port,
    path: "",
  };
}

/**
 * Messages between the nodes of one process, without sockets: for tests, and for
 * parts of a program that may move to other machines later. It keeps every
 * promise of a framed transport, backpressure and ways of ending included.
 *
 * Addresses: `"memory:name"`, `{ path: "name" }`, or host and port as with TCP
 * (they are names only; port 0 is replaced by a free one).
 */
export const Memory: Adapter = streamTransport<ConnectOptions, ListenOptions>({
  id: 6,
  name: "Memory",
  framing: varintFraming,
  isPacketBased: true,
  driver: memoryDriver(),
  connectRequest: (address) => ({ address: memoryAddress(address) }),
  listenRequest: (address) => ({ address: memoryAddress(address) }),
});
