/**
 * The `node:` builtins, reached at run time so that no browser bundle names them.
 *
 * @module
 */

import type * as crypto from "node:crypto";
import type * as dgram from "node:dgram";
import type * as diagnosticsChannel from "node:diagnostics_channel";
import type * as dns from "node:dns";
import type * as fs from "node:fs";
import type * as http from "node:http";
import type * as net from "node:net";
import type * as os from "node:os";
import type * as path from "node:path";
import type * as stream from "node:stream";
import type * as timers from "node:timers";
import type * as tls from "node:tls";
import type * as workerThreads from "node:worker_threads";
import { Fault } from "./fault.ts";

/** The builtins that the drivers use, by the name that they are imported with. */
export interface NodeBuiltins {
  /** Reading certificates and keys. */
  readonly "node:crypto": typeof crypto;
  /** UDP sockets. */
  readonly "node:dgram": typeof dgram;
  /** Named channels that tools listen to. */
  readonly "node:diagnostics_channel": typeof diagnosticsChannel;
  /** Name look-up. */
  readonly "node:dns": typeof dns;
  /** Files, for the paths of Unix sockets. */
  readonly "node:fs": typeof fs;
  /** HTTP, for the handshake of WebSocket servers. */
  readonly "node:http": typeof http;
  /** TCP and Unix sockets. */
  readonly "node:net": typeof net;
  /** The list of network interfaces. */
  readonly "node:os": typeof os;
  /** Path names. */
  readonly "node:path": typeof path;
  /** Streams over streams. */
  readonly "node:stream": typeof stream;
  /** Timers and immediates. */
  readonly "node:timers": typeof timers;
  /** TLS over TCP. */
  readonly "node:tls": typeof tls;
  /** What may go to other threads. */
  readonly "node:worker_threads": typeof workerThreads;
}

/** The part of `process` that the drivers use. */
export interface NodeProcess {
  /** The operating system: `"linux"`, `"darwin"`, `"win32"`, … */
  readonly platform: string;
  /** Versions by name; `deno` and `bun` tell their own beside the `node` that they stand for. */
  readonly versions: Readonly<Record<string, string | undefined>>;
  /** The permission model, where the program runs under it. */
  readonly permission?: { has(scope: "net"): boolean } | undefined;
  /** The options that Node knows. */
  readonly allowedNodeEnvironmentFlags?: ReadonlySet<string>;
  /** A builtin by its name. */
  getBuiltinModule<Name extends keyof NodeBuiltins>(
    name: Name,
  ): NodeBuiltins[Name] | undefined;
  /** Hears of each exception that nothing caught, before any handler of the program. */
  on(event: "uncaughtExceptionMonitor", listener: () => void): unknown;
  /** Takes a listener away. */
  off(event: "uncaughtExceptionMonitor", listener: () => void): unknown;
}

function isNodeProcess(value: unknown): value is NodeProcess {
  return typeof value === "object" && value !== null &&
    "getBuiltinModule" in value &&
    typeof value.getBuiltinModule === "function" &&
    "versions" in value && typeof value.versions === "object";
}

/** The `process` of Node, Bun or Deno; undefined where there is none with `getBuiltinModule`. */
export function nodeProcess(): NodeProcess | undefined {
  const process: unknown = Reflect.get(globalThis, "process");
  return isNodeProcess(process) ? process : undefined;
}

/**
 * One `node:` builtin.
 *
 * @throws {Fault} `not-supported` where the runtime has it not (a browser; Node before 20.16).
 */
export function nodeBuiltin<Name extends keyof NodeBuiltins>(
  name: Name,
): NodeBuiltins[Name] {
  const module = nodeProcess()?.getBuiltinModule(name);
  if (module === undefined) {
    throw new Fault(
      "not-supported",
      `Cannot use ${name}: this runtime does not have it (Node 20.16, Deno or Bun is needed)`,
    );
  }
  return module;
}

/** Whether these are Deno's own builtins, some of which do otherwise than Node's. */
export function isDenoBuiltin(): boolean {
  return nodeProcess()?.versions.deno !== undefined;
}

/**
 * Whether the runtime's `node:net` and `node:dgram` know the option `reusePort`
 * (Node 22.12 and 23.1). Older ones would ignore it without a word.
 */
export function hasReusePort(): boolean {
  const version = nodeProcess()?.versions.node ?? "0.0";
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major > 23 || (major === 23 && minor >= 1) ||
    (major === 22 && minor >= 12);
}
