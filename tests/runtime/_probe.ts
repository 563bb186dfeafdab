/**
 * Event sinks that record what a driver calls, and hold it to the rules of
 * `runtime/driver.ts` at every call.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  Driver,
  SocketAddress,
  StreamEvents,
  StreamListener,
  StreamListenRequest,
  StreamSocket,
} from "../../runtime/driver.ts";
import type { Fault, FaultCode } from "../../runtime/fault.ts";

/** What not every runtime can do: reset a TCP connection, and drop a WebSocket without a close frame. */
export type Ability = "reset" | "web-socket-abort";

/** What the table runs on. */
export interface DriverUnderTest {
  /** Opens the name of each test. */
  readonly name: string;
  /** The driver. */
  readonly driver: Driver;
  /** What the runtime cannot do; the table then proves the documented answer instead. */
  readonly lacks: ReadonlySet<Ability>;
}

let callDepth = 0;

/** Whether a call into a driver has not returned yet. */
export function isCalling(): boolean {
  return callDepth > 0;
}

/** Makes a call into a driver: an event that comes before it returns breaks rule 1. */
export function calling<Result>(call: () => Result): Result {
  callDepth++;
  try {
    return call();
  } finally {
    callDepth--;
  }
}

/** Waits until something that events change has become true. */
export class Watch {
  readonly #waiting: { isMet: () => boolean; resolve: () => void }[] = [];

  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ isMet, resolve }));
  }

  changed(): void {
    for (let i = this.#waiting.length - 1; i >= 0; i--) {
      const waiter = this.#waiting[i];
      if (waiter?.isMet() !== true) continue;
      this.#waiting.splice(i, 1);
      waiter.resolve();
    }
  }
}

/** The events of one stream. */
export class StreamProbe implements StreamEvents {
  readonly chunks: Uint8Array[] = [];
  /** Rules broken, in words. */
  readonly violations: string[] = [];
  received = 0;
  opened = 0;
  ended = 0;
  drained = 0;
  closedTimes = 0;
  fault: Fault | undefined;
  /** Set by the test when it closes the socket itself: from then on only `closed` may come. */
  isLocallyClosed = false;
  /** What to do with a chunk, instead of keeping it. */
  onData: ((chunk: Uint8Array) => void) | undefined;
  onDrain: (() => void) | undefined;
  onEnd: (() => void) | undefined;
  onOpen: (() => void) | undefined;
  readonly #watch = new Watch();

  open(): void {
    this.#check("open");
    this.opened++;
    this.onOpen?.();
    this.#watch.changed();
  }

  data(chunk: Uint8Array): void {
    this.#check("data");
    if (chunk.constructor !== Uint8Array) {
      this.violations.push("a chunk is not a plain Uint8Array");
    }
    this.received += chunk.byteLength;
    if (this.onData === undefined) this.chunks.push(chunk);
    else this.onData(chunk);
    this.#watch.changed();
  }

  drain(): void {
    this.#check("drain");
    this.drained++;
    this.onDrain?.();
    this.#watch.changed();
  }

  end(): void {
    this.#check("end");
    this.ended++;
    this.onEnd?.();
    this.#watch.changed();
  }

  closed(fault: Fault | undefined): void {
    if (callDepth > 0) this.violations.push("closed was called inside a call");
    this.closedTimes++;
    this.fault = fault;
    this.#watch.changed();
  }

  until(isMet: () => boolean): Promise<void> {
    return this.#watch.until(isMet);
  }

  untilOpen(): Promise<void> {
    return this.until(() => {
      assert.equal(this.closedTimes, 0, `closed: ${this.fault?.message}`);
      return this.opened > 0;
    });
  }

  untilClosed(): Promise<void> {
    return this.until(() => this.closedTimes > 0);
  }

  /** What was received, as one array. */
  bytes(): Uint8Array {
    const all = new Uint8Array(this.received);
    let offset = 0;
    for (const chunk of this.chunks) {
      all.set(chunk, offset);
      offset += chunk.byteLength;
    }
    return all;
  }

  #check(event: string): void {
    if (callDepth > 0) {
      this.violations.push(`${event} was called inside a call`);
    }
    if (this.closedTimes > 0) this.violations.push(`${event} after closed`);
    if (this.isLocallyClosed) {
      this.violations.push(`${event} after a local close`);
    }
  }
}

/** One end of a connection: the socket and what it tells. */
export class End {
  readonly probe: StreamProbe = new StreamProbe();
  #socket: StreamSocket | undefined;

  get socket(): StreamSocket {
    assert(this.#socket !== undefined, "there is no socket yet");
    return this.#socket;
  }

  set socket(socket: StreamSocket) {
    this.#socket = socket;
  }

  close(): void {
    this.probe.isLocallyClosed = true;
    calling(() => this.socket.close());
  }

  abort(): void {
    this.probe.isLocallyClosed = true;
    calling(() => this.socket.abort());
  }
}

/** Starts to connect. */
export function connect(
  driver: Driver,
  address: SocketAddress,
  sourceAddress?: SocketAddress,
): End {
  const end = new End();
  end.socket = calling(() =>
    driver.connectStream(
      sourceAddress === undefined ? { address } : { address, sourceAddress },
      end.probe,
    )
  );
  return end;
}

/** A listener that keeps what it accepts. */
export class Accepting {
  readonly ends: End[] = [];
  readonly faults: Fault[] = [];
  /** Whether connections that come are refused. */
  isRefusing = false;
  /** How many connections were offered, refused ones too. */
  offered = 0;
  /** What to do with an end before its events flow. */
  onAccept: ((end: End) => void) | undefined;
  readonly #watch = new Watch();
  #listener: StreamListener | undefined;

  get listener(): StreamListener {
    assert(this.#listener !== undefined, "it does not listen yet");
    return this.#listener;
  }

  async listen(driver: Driver, request: StreamListenRequest): Promise<this> {
    this.#listener = await driver.listenStream(request, {
      accept: (socket) => {
        this.offered++;
        queueMicrotask(() => this.#watch.changed());
        if (this.isRefusing) return undefined;
        const end = new End();
        end.socket = socket;
        this.ends.push(end);
        this.onAccept?.(end);
        return end.probe;
      },
      fault: (fault) => {
        this.faults.push(fault);
        this.#watch.changed();
      },
    });
    return this;
  }

  until(isMet: () => boolean): Promise<void> {
    return this.#watch.until(isMet);
  }

  async end(index: number): Promise<End> {
    await this.until(() => this.ends.length > index);
    const end = this.ends[index];
    assert(end !== undefined);
    return end;
  }
}

/** Ends everything, waits for each `closed`, and checks the rules that hold for every socket. */
export async function finish(
  driver: Driver,
  ends: readonly End[],
  accepting?: Accepting,
): Promise<void> {
  const all = [...ends, ...accepting?.ends ?? []];
  for (const end of all) end.abort();
  for (const end of all) await end.probe.untilClosed();
  if (accepting !== undefined) await accepting.listener.close();
  await turns(driver, 3);
  for (const { probe, socket } of all) {
    assert.deepEqual(probe.violations, []);
    assert.equal(probe.closedTimes, 1, "closed came more than once");
    assert.equal(socket.write(new Uint8Array(1)), 0, "a closed socket took it");
    assert.equal(socket.pending, 0);
  }
}

/** A connection over a fresh listener, both ends open. */
export async function withPair(
  driver: Driver,
  address: SocketAddress,
  run: (client: End, server: End, accepting: Accepting) => Promise<void>,
): Promise<void> {
  const accepting = await new Accepting().listen(driver, { address });
  const client = connect(driver, accepting.listener.address);
  try {
    await client.probe.untilOpen();
    const server = await accepting.end(0);
    await run(client, server, accepting);
  } finally {
    await finish(driver, [client], accepting);
  }
}

/** Lets so many rounds of the event loop pass, for what must not happen. */
export async function turns(driver: Driver, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    await new Promise<void>((resolve) => driver.defer(resolve));
  }
}

/** An address of this machine; port 0 asks for a free one. */
export function inet(hostname: string, port = 0): SocketAddress {
  return {
    family: hostname.includes(":") ? "ipv6" : "ipv4",
    hostname,
    port,
    path: "",
  };
}

/** The address of a Unix path. */
export function unix(path: string): SocketAddress {
  return { family: "unix", hostname: "", port: 0, path };
}

/** Whether an error is a Fault of a code; for `assert.rejects` and `assert.throws`. */
export function isFault(...codes: FaultCode[]): (error: unknown) => boolean {
  return (error) => {
    assert(error instanceof Error);
    assert.equal(error.name, "Fault", `not a Fault: ${error.stack}`);
    const code: unknown = Reflect.get(error, "code");
    assert(
      codes.some((wanted) => wanted === code),
      `${String(code)}, not ${codes.join(" or ")}: ${error.message}`,
    );
    return true;
  };
}

/** Transfers the buffer of some bytes, as to another thread. */
export function giveAway(bytes: Uint8Array): void {
  assert(bytes.buffer instanceof ArrayBuffer);
  structuredClone(bytes, { transfer: [bytes.buffer] });
}

/** Bytes that tell where they belong: no two places within 64 KiB of each other look alike for long. */
export function pattern(size: number, from = 0): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let i = 0; i < size; i++) bytes[i] = patternAt(from + i);
  return bytes;
}

/** The byte of the pattern at a place. */
export function patternAt(place: number): number {
  return (place ^ (place >>> 8) * 31 ^ (place >>> 16) * 17) & 255;
}

/** The first place where bytes differ from the pattern, or -1. */
export function firstWrong(bytes: Uint8Array, from = 0): number {
  for (let i = 0; i < bytes.byteLength; i++) {
    if (bytes[i] !== patternAt(from + i)) return from + i;
  }
  return -1;
}

/** Offers all bytes, slice by slice, as an outbox does; resolves when all are taken. */
export function pump(
  end: End,
  bytes: Uint8Array,
  sliceSize: number,
  onShort?: () => void,
): Promise<void> {
  let offset = 0;
  return new Promise((resolve) => {
    const go = (): void => {
      while (offset < bytes.byteLength) {
        const slice = bytes.subarray(offset, offset + sliceSize);
        const taken = calling(() => end.socket.write(slice));
        assert(taken >= 0 && taken <= slice.byteLength, `took ${taken}`);
        offset += taken;
        if (taken < slice.byteLength) {
          onShort?.();
          return;
        }
      }
      end.probe.onDrain = undefined;
      resolve();
    };
    end.probe.onDrain = go;
    go();
  });
}
