/**
 * What every driver's native WebSockets must do.
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
  firstWrong,
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
class WebSocketEnd implements WebSocketEvents {
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
class Server {
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

function connect(
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
function row(
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

export const webSocketRows: readonly Row[] = [
  row(
    "a WebSocket carries text and bytes both ways, the empty message too",
    async (driver, server) => {
      const client = connect(driver, server.url);
      await client.until(() => client.opened === 1);
      const end = await server.end(0);
      assert.equal(end.opened, 0, "open is not for accepted ones");
      assert.equal(client.socket.protocol, "");
      end.onMessage = (data, isText) => {
        end.socket.send(data, isText);
      };
      const text = new TextEncoder().encode("grüße");
      const sizes = [0, 1, 125, 126, 65_535, 65_536, 1_000_000];
      for (const size of sizes) assert(client.send(pattern(size)));
      assert(client.send(text, true));
      await client.until(() => client.messages.length === sizes.length + 1);
      for (const [index, size] of sizes.entries()) {
        const message = client.messages[index];
        assert.equal(message?.isText, false);
        assert.equal(message?.data.byteLength, size);
        assert.equal(firstWrong(message.data), -1);
      }
      assert.equal(client.messages.at(-1)?.isText, true);
      assert.deepEqual(client.messages.at(-1)?.data, text);
      return [client];
    },
  ),
  row(
    "a server sees path, headers and subprotocols, and agrees on one",
    async (driver, server) => {
      server.answer = "two";
      const client = connect(driver, server.url, ["one", "two"]);
      await client.until(() => client.opened === 1);
      assert.equal(client.socket.protocol, "two");
      assert.equal((await server.end(0)).socket.protocol, "two");
      assert.equal(server.handshakes.length, 1);
      assert.equal(server.handshakes[0]?.path, "/room?seat=1");
      assert.deepEqual(server.handshakes[0]?.protocols, ["one", "two"]);
      assert.equal(
        server.handshakes[0]?.host,
        `127.0.0.1:${server.listener.address.port}`,
      );
      return [client];
    },
  ),
  row("a refused handshake ends in closed", async (driver, server) => {
    server.answer = 403;
    const client = connect(driver, server.url);
    await client.until(() => client.closedTimes > 0);
    assert.equal(client.opened, 0);
    assert.equal(client.code, 1006);
    assert(client.fault !== undefined, "a fault should tell why");
    return [client];
  }),
  row("a closing handshake tells code and reason", async (driver, server) => {
    const client = connect(driver, server.url);
    await client.until(() => client.opened === 1);
    const end = await server.end(0);
    client.close(4_001, "enough");
    await end.until(() => end.closedTimes > 0);
    assert.equal(end.code, 4_001);
    assert.equal(end.reason, "enough");
    assert.equal(end.fault, undefined);
    await client.until(() => client.closedTimes > 0);
    return [client];
  }),
  row("what was sent before a close arrives", async (driver, server) => {
    const client = connect(driver, server.url);
    const end = await server.end(0);
    for (let i = 0; i < 100; i++) assert(end.send(pattern(10_000)));
    end.close(1_000, "");
    await client.until(() => client.closedTimes > 0);
    assert.equal(client.messages.length, 100);
    assert.equal(client.code, 1_000);
    return [client];
  }),
  row(
    "an aborted WebSocket is 1006 for its peer",
    async (driver, server, { lacks }) => {
      const client = connect(driver, server.url);
      await client.until(() => client.opened === 1);
      const end = await server.end(0);
      client.abort();
      await client.until(() => client.closedTimes > 0);
      await end.until(() => end.closedTimes > 0);
      if (!lacks.has("web-socket-abort")) assert.equal(end.code, 1006);
      return [client];
    },
  ),
  row("a connection that nobody accepts is closed", async (driver, server) => {
    const { url } = server;
    await server.listener.close();
    const client = connect(driver, url);
    await client.until(() => client.closedTimes > 0);
    assert.equal(client.opened, 0);
    assert.equal(client.code, 1006);
    return [client];
  }),
  row("pending falls to 0 with a drain", async (driver, server) => {
    const client = connect(driver, server.url);
    await client.until(() => client.opened === 1);
    const end = await server.end(0);
    const count = 16;
    for (let i = 0; i < count; i++) assert(end.send(pattern(1_000_000)));
    if (end.socket.pending > 0) await end.until(() => end.drained > 0);
    await end.until(() => end.socket.pending === 0);
    await client.until(() => client.messages.length === count);
    return [client];
  }),
  row(
    "a socket that is refused in accept is closed",
    async (driver, server) => {
      server.isRefusing = true;
      const client = connect(driver, server.url);
      await client.until(() => client.closedTimes > 0);
      return [client];
    },
  ),
];
