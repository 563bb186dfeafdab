/**
 * Both ends of native WebSockets, as their tests see them.
 *
 * @module
 */

import assert from "node:assert/strict";
import type {
  Driver,
  StreamListener,
  WebSocketEvents,
  WebSocketHandshake,
  WebSocketSocket,
} from "../../runtime/driver.ts";
import type { Fault } from "../../runtime/fault.ts";
import {
  calling,
  type DriverUnderTest,
  inet,
  isCalling,
  isFault,
  pattern,
  turns,
  Watch,
} from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

const MAX_MESSAGE_SIZE = 4 * 1024 * 1024;

/** One end of a WebSocket, with what it heard. */
export class WebSocketEnd implements WebSocketEvents {
  readonly messages: { data: Uint8Array; isText: boolean }[] = [];
  readonly violations: string[] = [];
  opened = 0;
  drained = 0;
  closedTimes = 0;
  code = 0;
  reason = "";
  fault: Fault | undefined;
  isLocallyClosed = false;
  onMessage: ((data: Uint8Array, isText: boolean) => void) | undefined;
  readonly #watch = new Watch();
  #socket: WebSocketSocket | undefined;

  get socket(): WebSocketSocket {
    assert(this.#socket !== undefined, "there is no socket yet");
    return this.#socket;
  }

  set socket(socket: WebSocketSocket) {
    this.#socket = socket;
  }

  open(): void {
    this.#check("open");
    this.opened++;
    this.#watch.changed();
  }

  message(data: Uint8Array, isText: boolean): void {
    this.#check("message");
    if (data.constructor !== Uint8Array) {
      this.violations.push("a message is not a plain Uint8Array");
    }
    this.messages.push({ data, isText });
    this.onMessage?.(data, isText);
    this.#watch.changed();
  }

  drain(): void {
    this.#check("drain");
    this.drained++;
    this.#watch.changed();
  }

  closed(code: number, reason: string, fault: Fault | undefined): void {
    this.closedTimes++;
    Object.assign(this, { code, reason, fault });
    this.#watch.changed();
  }

  until(isMet: () => boolean): Promise<void> {
    return this.#watch.until(isMet);
  }

  send(data: Uint8Array, isText = false): boolean {
    return calling(() => this.socket.send(data, isText));
  }

  close(code: number, reason: string): void {
    this.isLocallyClosed = true;
    calling(() => this.socket.close(code, reason));
  }

  abort(): void {
    this.isLocallyClosed = true;
    calling(() => this.socket.abort());
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

/** A server that keeps what it accepts. */
export class Server {
  readonly ends: WebSocketEnd[] = [];
  readonly handshakes: {
    path: string;
    origin: string | undefined;
    protocols: readonly string[];
    host: string | undefined;
  }[] = [];
  answer: string | number = "";
  isRefusing = false;
  readonly #watch = new Watch();
  #listener: StreamListener | undefined;

  get listener(): StreamListener {
    assert(this.#listener !== undefined, "it does not listen yet");
    return this.#listener;
  }

  get url(): string {
    const { hostname, port } = this.listener.address;
    return `ws://${hostname}:${port}/room?seat=1`;
  }

  async listen(driver: Driver): Promise<this> {
    this.#listener = await driver.listenWebSocket({
      address: inet("127.0.0.1"),
      maxMessageSize: MAX_MESSAGE_SIZE,
      admit: (handshake: WebSocketHandshake) => {
        const { path, origin, protocols } = handshake;
        const host = handshake.header("host");
        this.handshakes.push({ path, origin, protocols, host });
        return this.answer;
      },
    }, {
      accept: (socket) => {
        if (this.isRefusing) return undefined;
        const end = new WebSocketEnd();
        end.socket = socket;
        this.ends.push(end);
        queueMicrotask(() => this.#watch.changed());
        return end;
      },
      fault: (fault) => assert.fail(fault),
    });
    return this;
  }

  async end(index: number): Promise<WebSocketEnd> {
    await this.#watch.until(() => this.ends.length > index);
    const end = this.ends[index];
    assert(end !== undefined);
    return end;
  }
}

export function connect(
  driver: Driver,
  url: string,
  protocols: readonly string[] = [],
): WebSocketEnd {
  const end = new WebSocketEnd();
  end.socket = calling(() => driver.connectWebSocket({ url, protocols }, end));
  return end;
}

async function finish(
  driver: Driver,
  server: Server,
  ...clients: readonly WebSocketEnd[]
): Promise<void> {
  const ends = [...clients, ...server.ends];
  for (const end of ends) end.abort();
  for (const end of ends) await end.until(() => end.closedTimes > 0);
  await server.listener.close();
  await turns(driver, 2);
  for (const end of ends) {
    assert.deepEqual(end.violations, []);
    assert.equal(end.closedTimes, 1, "closed came more than once");
    assert.equal(end.send(pattern(1)), false);
    assert.equal(end.socket.pending, 0);
  }
}

/** A row whose driver may have no native WebSockets at all: then the refusal is what is proved. */
export function row(
  name: string,
  prove: (
    driver: Driver,
    server: Server,
    under: DriverUnderTest,
  ) => Promise<readonly WebSocketEnd[]>,
): Row {
  return {
    name: `${name}, or native WebSockets are refused as not-supported`,
    run: async (under) => {
      const { driver } = under;
      let server: Server;
      try {
        server = await new Server().listen(driver);
      } catch (error) {
        isFault("not-supported")(error);
        return;
      }
      await finish(driver, server, ...await prove(driver, server, under));
    },
  };
}
