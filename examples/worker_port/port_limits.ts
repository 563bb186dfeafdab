/**
 * The limits of one connection, checked.
 *
 * @module
 */

import { type ConnectOptions, Fault, type ListenOptions } from "../../mod.ts";

/** The limits of one connection, in bytes. */
export interface PortLimits {
  readonly maxMessageSize: number;
  readonly highWaterMark: number;
  readonly outboxLimit: number;
}

const MIB = 1 << 20;

/** The limits that options ask for. Throws `invalid-option`. */
export function portLimits(
  options: ConnectOptions | ListenOptions,
): PortLimits {
  const outboxLimit = checkSize(
    "outboxLimit",
    options.outboxLimit,
    64 * MIB,
    Number.MAX_SAFE_INTEGER,
  );
  return {
    outboxLimit,
    highWaterMark: checkSize(
      "highWaterMark",
      options.highWaterMark,
      Math.min(MIB, outboxLimit),
      outboxLimit,
    ),
    // What can never be queued is too large, not for another time.
    maxMessageSize: checkSize(
      "maxMessageSize",
      options.maxMessageSize,
      Math.min(16 * MIB, outboxLimit),
      outboxLimit,
    ),
  };
}

/** Duty 5: an option out of its range is a Fault that names it. */
function checkSize(
  name: string,
  value: number | undefined,
  byDefault: number,
  most: number,
): number {
  if (value === undefined) return byDefault;
  if (Number.isInteger(value) && value >= 1 && value <= most) return value;
  throw new Fault(
    "invalid-option",
    `Cannot use ${name} ${value}: it must be an integer from 1 to ${most}`,
  );
}
