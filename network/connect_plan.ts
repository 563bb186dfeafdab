/**
 * From the options of a `connect` to what carries it out.
 *
 * @module
 */

import {
  checkInteger,
  DEFAULT_MAX_MESSAGE_SIZE,
  MAX_TIME_MS,
} from "../adapters/_options.ts";
import type {
  Adapter,
  ConnectOptions,
  ListenOptions,
  TargetAddress,
} from "../adapters/adapter.ts";
import { Fault } from "../runtime/fault.ts";
import { checkSignal } from "./errors.ts";
import { checkLimits, idleTimeout } from "./options.ts";
import { OwnConnect } from "./own_connect.ts";
import type { ConnectPlan } from "./own_connect.ts";
import { reconnectPlan } from "./reconnect_plan.ts";
import { Reconnection } from "./reconnection.ts";
import type { Registry } from "./registry.ts";

const DEFAULT_CONNECT_TIMEOUT_MS = 30_000;

/** What connects as the options ask; it has not begun. Throws `invalid-option`, `not-supported`, `aborted`. */
export function ownConnect<
  Connect extends ConnectOptions,
  Listen extends ListenOptions,
>(
  registry: Registry,
  transport: Adapter<Connect, Listen>,
  target: TargetAddress,
  options: Connect,
): OwnConnect {
  checkLimits(options);
  const { signal, maxMessageSize } = options;
  const plan: ConnectPlan = {
    dial: (events) => transport.connect(registry.host, target, options, events),
    timeoutMs: checkInteger(
      "connectTimeoutMs",
      options.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS,
      0,
      MAX_TIME_MS,
    ),
    signal,
  };
  const reconnect = reconnectPlan(options.reconnect);
  const doing = `Cannot connect to ${target.text}`;
  checkSignal("signal", signal, doing);
  checkSignal("reconnect.signal", reconnect?.signal, doing);
  if (reconnect !== undefined && !transport.isConnectionOriented) {
    throw new Fault(
      "not-supported",
      `Cannot use reconnect: ${transport.name} has no connections`,
    );
  }
  const resource = registry.createRemote(transport, idleTimeout(options));
  return reconnect === undefined
    ? new OwnConnect(registry, resource, plan)
    : new Reconnection(
      registry,
      resource,
      plan,
      reconnect,
      Math.min(
        maxMessageSize ??
          (transport.isPacketBased ? DEFAULT_MAX_MESSAGE_SIZE : Infinity),
        transport.maxMessageSize,
      ),
    );
}
