/**
 * What tests of datagram sockets look through.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  DatagramBindRequest,
  DatagramEvents,
  DatagramSocket,
  Driver,
} from "../../runtime/driver.ts";
import type { Fault } from "../../runtime/fault.ts";
import { calling, isCalling, pattern, turns, Watch } from "./_probe.ts";

/** The events of one datagram socket. */
export class DatagramProbe implements DatagramEvents {
  readonly messages: {
    data: Uint8Array;
    hostname: string;
    port: number;
  }[] = [];
  readonly faults: Fault[] = [];
  readonly violations: string[] = [];
  drained = 0;
  closedTimes = 0;
  isLocallyClosed = false;
  onMessage:
    | ((data: Uint8Array, hostname: string, port: number) => void)
    | undefined;
  readonly #watch = new Watch();

  message(data: Uint8Array, hostname: string, port: number): void {
    this.#check("message");
    if (data.constructor !== Uint8Array) {
      this.violations.push("a message is not a plain Uint8Array");
    }
    this.messages.push({ data, hostname, port });
    this.onMessage?.(data, hostname, port);
    this.#watch.changed();
  }

  drain(): void {
    this.#check("drain");
    this.drained++;
    this.#watch.changed();
  }

  fault(fault: Fault): void {
    this.#check("fault");
    this.faults.push(fault);
    this.#watch.changed();
  }

  closed(fault: Fault | undefined): void {
    if (isCalling()) this.violations.push("closed was called inside a call");
    if (fault !== undefined) this.faults.push(fault);
    this.closedTimes++;
    this.#watch.changed();
  }

  until(isMet: () => boolean): Promise<void> {
    return this.#watch.until(isMet);
  }

  #check(event: string): void {
    if (isCalling()) {
      this.violations.push(`${event} was called inside a call`);
    }
    if (this.closedTimes > 0) this.violations.push(`${event} after closed`);
    if (this.isLocallyClosed) {
      this.violations.push(`${event} after a local close`);
    }
  }
}

/** A datagram socket and what it tells. */
export interface Bound {
  readonly socket: DatagramSocket;
  readonly probe: DatagramProbe;
}

/** Binds a socket. */
export async function bind(
  driver: Driver,
  request: DatagramBindRequest,
): Promise<Bound> {
  const probe = new DatagramProbe();
  return { socket: await driver.bindDatagram(request, probe), probe };
}

/** Closes sockets, and checks that they told nothing out of turn. */
export async function closeAll(
  driver: Driver,
  ...all: readonly Bound[]
): Promise<void> {
  for (const { socket, probe } of all) {
    probe.isLocallyClosed = true;
    calling(() => socket.close());
    calling(() => socket.close());
  }
  for (const { probe } of all) await probe.until(() => probe.closedTimes > 0);
  await turns(driver, 2);
  for (const { socket, probe } of all) {
    assert.deepEqual(probe.violations, []);
    assert.equal(probe.closedTimes, 1, "closed came more than once");
    assert.equal(socket.send(pattern(1), "127.0.0.1", 9), false);
  }
}

/** Sends from one socket to another; tells whether the datagram was taken. */
export function send(
  from: Bound,
  to: Bound,
  data: Uint8Array,
  host = "",
): boolean {
  const { hostname, port } = to.socket.localAddress;
  return calling(() => from.socket.send(data, host || hostname, port));
}

/** Sends until one arrives: an ICMP answer to an earlier datagram may fail a send. */
export async function insist(
  driver: Driver,
  from: Bound,
  to: Bound,
  host = "",
  size = 10,
): Promise<void> {
  const { messages } = to.probe;
  while (!messages.some(({ data }) => data.byteLength === size)) {
    send(from, to, pattern(size), host);
    await turns(driver, 1);
  }
}

/** Sends back whatever comes. */
export function echo({ probe, socket }: Bound): void {
  probe.onMessage = (data, hostname, port) => {
    socket.send(data, hostname, port);
  };
}
