/**
 * A stand-in for `Deno` that tests play, so that they run on every runtime.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  DenoAddress,
  DenoApi,
  DenoConn,
} from "../../runtime/_deno_api.ts";

/** What both ends of a played connection say that they are. */
export const ADDRESS: DenoAddress = {
  transport: "tcp",
  hostname: "::ffff:127.0.0.1",
  port: 4000,
};

/** An error of one of Deno's classes. */
export function named(name: string, code?: string): Error {
  return Object.assign(new Error(`${name} happened`), { name, code });
}

interface Waiting<Value> {
  readonly bytes: Uint8Array;
  resolve(value: Value): void;
  reject(error: Error): void;
}

/** A connection whose operations the test completes. */
export class PlayedConn implements DenoConn {
  readonly localAddr = ADDRESS;
  readonly remoteAddr = ADDRESS;
  readonly reads: Waiting<number | null>[] = [];
  readonly writes: Waiting<number>[] = [];
  closes = 0;
  fins = 0;

  read(bytes: Uint8Array): Promise<number | null> {
    return new Promise((resolve, reject) => {
      this.reads.push({ bytes, resolve, reject });
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.writes.push({ bytes, resolve, reject });
    });
  }

  closeWrite(): Promise<void> {
    this.fins++;
    return Promise.resolve();
  }

  close(): void {
    this.closes++;
    for (const { reject } of this.reads) reject(named("Interrupted", "EINTR"));
    for (const { reject } of this.writes) reject(named("Interrupted", "EINTR"));
  }

  setNoDelay(): void {}

  /** Completes the outstanding read with so many bytes of one value. */
  async bring(size: number, value: number): Promise<void> {
    const read = this.lastRead();
    this.reads.length = 0;
    read.bytes.fill(value, 0, size);
    read.resolve(size);
    await turn();
  }

  lastRead(): Waiting<number | null> {
    assert.equal(this.reads.length, 1, "reads outstanding");
    const read = this.reads[0];
    assert(read !== undefined);
    return read;
  }

  async wrote(size: number): Promise<void> {
    const write = this.writes.shift();
    assert(write !== undefined, "no write is in flight");
    write.resolve(size);
    await turn();
  }
}

/** Lets what a completed operation leads to happen. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** A `Deno` with nothing but what a test gives it. */
export function stand(members: Partial<DenoApi>): DenoApi {
  const lacking = (): never => {
    throw new Error("not expected");
  };
  return {
    build: { os: "linux" },
    connect: lacking,
    listen: lacking,
    serve: lacking,
    upgradeWebSocket: lacking,
    ...members,
  };
}
