/**
 * Whether TLS is asked for, and what is said where there is none. Apart from the
 * options of TLS, which no browser needs.
 *
 * @module
 */

import { Fault } from "../runtime/fault.ts";
import type { TargetAddress } from "./adapter.ts";

/** The fault of options that cannot be used. */
export function badTls(message: string): Fault {
  return new Fault("tls", message, { tlsFailure: "options" });
}

/** The fault of a driver that was asked for TLS and gave a stream without: nothing is sent over it. */
export function withoutTls(): Fault {
  return new Fault(
    "not-supported",
    "Cannot use the stream: the driver has no TLS",
  );
}

/**
 * Whether a scheme and the `tls` option together ask for TLS. Throws `tls` where
 * they contradict each other.
 *
 * @param secure The schemes that mean TLS; any other means none.
 */
export function asksForTls(
  address: TargetAddress,
  tls: unknown,
  secure: string,
): boolean {
  if (address.scheme === secure) return true;
  if (tls === undefined) return false;
  if (address.scheme !== "") {
    throw badTls(
      `Cannot use ${address.text} with tls: ${address.scheme} is without TLS, ${secure} is with it`,
    );
  }
  return true;
}

/** Refuses `tls` where there is none: nothing is sent in plain text that was meant not to be. */
export function refuseTls(transport: string, options: object): void {
  if (Reflect.get(options, "tls") === undefined) return;
  throw new Fault(
    "not-supported",
    `Cannot use tls with ${transport}: it has no TLS`,
  );
}
