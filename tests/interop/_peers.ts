/**
 * Programs on the Rust crates, run beside a test; `bench/peers/README.md` has
 * their command line.
 *
 * @module
 */

import assert from "node:assert/strict";
import { peerPath } from "../../scripts/peers.mjs";
import type { World } from "../conformance/_nodes.ts";
import { type RunningProcess, start } from "../_support.ts";

/** What `sink` and `source` print at their end. */
export interface PeerResult {
  readonly messages: number;
  readonly bytes: number;
}

/** A peer that runs. */
export class Peer {
  readonly #process: RunningProcess;

  constructor(process: RunningProcess) {
    this.#process = process;
  }

  /** Where it listens, once it does; or what it connected to. */
  async address(): Promise<string> {
    const [, address = ""] = await this.#process.output(
      /"ready":true,"address":"([^"]+)"/,
    );
    return address;
  }

  /** Waits until it has told of a connection so often. */
  async event(name: "connected" | "disconnected", count = 1): Promise<void> {
    await this.#process.output(
      new RegExp(`(?:"event":"${name}"[^]*){${count}}`),
    );
  }

  /** What it counted; fails if it went wrong. */
  async result(): Promise<PeerResult> {
    const [line] = await this.#process.output(/^.*"messages":.*$/m);
    const result: PeerResult = JSON.parse(line);
    const { code } = await this.#process.done;
    assert.equal(code, 0);
    return result;
  }

  /** What it says when it cannot go on. */
  async error(): Promise<string> {
    const [, error = ""] = await this.#process.output(/"error":"([^"]+)"/);
    return error;
  }

  /** Lets a `source` that is `--stepped` send so many more. */
  step(count: number): void {
    this.#process.write("\n".repeat(count));
  }

  /** Ends it, as it ends when whoever started it is gone. */
  async stop(): Promise<void> {
    this.#process.child.stdin?.end();
    await this.#process.done;
  }
}

/** Starts a peer, which is gone when the test is over. */
export function startPeer(
  world: World,
  name: "message-io" | "protosocket" | "connect",
  args: readonly (string | number)[],
): Peer {
  const process = start({
    command: peerPath(name, "tests"),
    args: [...args.map(String), "--events"],
  });
  const peer = new Peer(process);
  world.defer(() => peer.stop());
  return peer;
}
