/**
 * The channels of `node:diagnostics_channel`, where the runtime has it.
 *
 * @module
 */

import { nodeProcess } from "./_node_builtins.ts";
import type { DiagnosticChannel, DiagnosticName, Driver } from "./driver.ts";

/** What opens the name of each channel. */
const PREFIX = "signalbox.";

const NAMES: readonly DiagnosticName[] = [
  "listening",
  "accepted",
  "refused",
  "connected",
  "disconnected",
  "reconnecting",
  "closed",
  "paused",
  "resumed",
];

/** Made once: the runtime keeps a channel only as long as somebody holds it. */
let channels: Driver["diagnostics"];

/**
 * The `diagnostics` of a driver, to be spread into it; nothing where the runtime has no such channels.
 *
 * @example
 * ```ts
 * import { subscribe } from "node:diagnostics_channel";
 *
 * subscribe("signalbox.disconnected", (message) => console.log(message));
 * ```
 */
export function diagnosticChannels(): Pick<Driver, "diagnostics"> {
  if (channels !== undefined) return { diagnostics: channels };
  const module = nodeProcess()?.getBuiltinModule("node:diagnostics_channel");
  if (module === undefined) return {};
  const all = NAMES.map((
    name,
  ): [DiagnosticName, DiagnosticChannel] => [
    name,
    module.channel(PREFIX + name),
  ]);
  channels = Object.fromEntries(all) as Record<
    DiagnosticName,
    DiagnosticChannel
  >;
  return { diagnostics: channels };
}
