/**
 * Checks of options and addresses that the adapters share.
 *
 * @module
 */

import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";
import type { ConnectionLimits } from "./_framed_connection.ts";
import type { TargetAddress } from "./adapter.ts";

/** 16 MiB. */
export const DEFAULT_MAX_MESSAGE_SIZE: number = 16 * (1 << 20);
/** 1 MiB. */
export const DEFAULT_HIGH_WATER_MARK: number = 1 << 20;
/** 64 MiB. */
export const DEFAULT_OUTBOX_LIMIT: number = 64 * (1 << 20);

/** 2^31 - 1: more is no time that a socket option can hold. */
export const MAX_TIME_MS = 2_147_483_647;

/** Throws `invalid-option` unless `value` is an integer from `low` to `high`. */
export function checkInteger(
  name: string,
  value: number,
  low: number,
  high: number,
): number {
  if (Number.isInteger(value) && value >= low && value <= high) return value;
  throw new Fault(
    "invalid-option",
    `Cannot use ${name} ${
      String(value)
    }: it must be an integer from ${low} to ${high}`,
  );
}

/** The limits that the options of a connect or listen ask for, checked. */
export function connectionLimits(
  options: {
    readonly maxMessageSize?: number;
    readonly highWaterMark?: number;
    readonly outboxLimit?: number;
  },
  defaultMaxMessageSize: number,
): ConnectionLimits {
  const limit = checkInteger(
    "outboxLimit",
    options.outboxLimit ?? DEFAULT_OUTBOX_LIMIT,
    1,
    Number.MAX_SAFE_INTEGER,
  );
  const highWaterMark = checkInteger(
    "highWaterMark",
    options.highWaterMark ?? Math.min(DEFAULT_HIGH_WATER_MARK, limit),
    1,
    limit,
  );
  if (options.maxMessageSize === undefined) {
    return { limit, highWaterMark, maxMessageSize: defaultMaxMessageSize };
  }
  const maxMessageSize = checkInteger(
    "maxMessageSize",
    options.maxMessageSize,
    1,
    limit,
  );
  return { limit, highWaterMark, maxMessageSize };
}

/**
 * The internet address that a target names, for transports over IP.
 *
 * @param schemes The URL schemes that the transport goes by.
 * @param anyHost The host that an address without one means: `"0.0.0.0"` to listen, `"127.0.0.1"` to connect.
 */
export function internetAddress(
  transport: string,
  address: TargetAddress,
  schemes: readonly string[],
  anyHost: string,
): SocketAddress {
  if (address.path !== "") {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with ${transport}: it is a path, not host and port`,
    );
  }
  if (address.scheme !== "" && !schemes.includes(address.scheme)) {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with ${transport}: the scheme is not its own`,
    );
  }
  if (address.resource !== "" && address.resource !== "/") {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with ${transport}: it has no paths`,
    );
  }
  if (address.port === undefined) {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with ${transport}: the port is missing`,
    );
  }
  const hostname = address.hostname === "" ? anyHost : address.hostname;
  return { family: familyOf(hostname), hostname, port: address.port, path: "" };
}

/** A local address to connect or send from. */
export interface SourceAddress {
  /** A numeric IP address of this host. */
  readonly hostname: string;
  /** 0 or none lets the system choose. */
  readonly port?: number;
}

/** A source address as drivers take it. Throws `invalid-option`. */
export function checkSourceAddress(source: SourceAddress): SocketAddress {
  // Programs without types give text, which other libraries take.
  const hostname: unknown = source?.hostname;
  const family = typeof hostname === "string" ? familyOf(hostname) : "unknown";
  if (family === "unknown") {
    const given = typeof hostname === "string" ? hostname : String(source);
    throw new Fault(
      "invalid-option",
      `Cannot use sourceAddress ${given}: it must have an IP address as its hostname`,
    );
  }
  const port = checkInteger("sourceAddress.port", source.port ?? 0, 0, 65_535);
  return { family, hostname: source.hostname, port, path: "" };
}

/** The address of a Unix socket. */
export function pathAddress(
  transport: string,
  address: TargetAddress,
): SocketAddress {
  // A "memory:" URL has a name in place of the path.
  if (address.path === "" || address.scheme !== "") {
    throw new Fault(
      "invalid-address",
      `Cannot use ${address.text} with ${transport}: it needs a path`,
    );
  }
  return { family: "unix", hostname: "", port: 0, path: address.path };
}

/** The family of an IP address; `unknown` for a host name. */
export function familyOf(hostname: string): SocketAddress["family"] {
  if (hostname.includes(":")) return "ipv6";
  return /^\d+\.\d+\.\d+\.\d+$/.test(hostname) ? "ipv4" : "unknown";
}
