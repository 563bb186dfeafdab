/**
 * Who a message goes to or comes from.
 *
 * @module
 */

import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import { formatAddress, parseAddress } from "./address.ts";
import type { Address } from "./address.ts";
import { NetworkError, networkErrorFrom } from "./errors.ts";
import { formatResourceId, resourceType } from "./resource_id.ts";
import type { ResourceId } from "./resource_id.ts";

/**
 * One peer, as seen by one node: a connection, or over UDP a listener and an
 * address behind it.
 *
 * All events of one connection carry the same Endpoint object. Over a UDP
 * listener a peer's object may be a new one after a while: compare with
 * `equals`, or use `toString` as a key.
 */
export class Endpoint {
  /** The connection, or the UDP listener that heard of the peer. */
  readonly resourceId: ResourceId;
  /** The peer's address; for a connection by host name, the name as it was given. */
  readonly address: SocketAddress;

  /**
   * Nodes make endpoints; see {@linkcode Endpoint.fromListener} to make one by hand.
   *
   * @param resourceId The connection or listener.
   * @param address The peer's address.
   */
  constructor(resourceId: ResourceId, address: SocketAddress) {
    this.resourceId = resourceId;
    this.address = address;
  }

  /**
   * An endpoint that nobody has been heard from: `send` to it sends a datagram
   * from the listener's own socket.
   *
   * @param listener A listener of a connection-less transport (UDP).
   * @param address The recipient: a numeric IP address and a port.
   * @throws {NetworkError} `invalid-option` when the id is not a listener's;
   * `invalid-address` when the address is not numeric. That the listener's
   * transport has connections shows at `send`, as `ResourceNotFound`.
   */
  static fromListener(listener: ResourceId, address: Address): Endpoint {
    if (resourceType(listener) !== "local") {
      throw new NetworkError(
        "invalid-option",
        `Cannot send from ${formatResourceId(listener)}: it is not a listener`,
      );
    }
    try {
      const { text, hostname, port } = parseAddress(address);
      const isIPv6 = hostname.includes(":");
      if (
        port === undefined || port === 0 ||
        !(isIPv6 || /^[\d.]+$/.test(hostname)) || hostname === ""
      ) {
        throw new NetworkError(
          "invalid-address",
          `Cannot send to ${text}: it needs an IP address and a port`,
        );
      }
      return new Endpoint(listener, {
        family: isIPv6 ? "ipv6" : "ipv4",
        hostname,
        port,
        path: "",
      });
    } catch (error) {
      throw error instanceof Fault ? networkErrorFrom(error) : error;
    }
  }

  /** Whether both name the same peer by the same resource. */
  equals(other: Endpoint): boolean {
    return this === other || (
      this.resourceId === other.resourceId &&
      this.address.hostname === other.address.hostname &&
      this.address.port === other.address.port &&
      this.address.path === other.address.path
    );
  }

  /** `"[1.R.12] 127.0.0.1:3042"`: equal for equal endpoints. */
  toString(): string {
    return `${formatResourceId(this.resourceId)} ${
      formatAddress(this.address)
    }`;
  }
}
