/**
 * The driver of browsers and workers.
 *
 * - WebSockets: the global client. A page has no server, and no streams or
 *   datagrams: they are `not-supported`.
 * - Turns by `MessageChannel`: browsers delay nested timers.
 *
 * @module
 */

import { BareWebSocket, openWebSocket } from "./_bare_web_socket.ts";
import { timers } from "./_timer.ts";
import type { Driver } from "./driver.ts";
import { Fault } from "./fault.ts";

function lacking(what: string): Fault {
  return new Fault(
    "not-supported",
    `Cannot ${what}: a browser has WebSocket clients alone`,
  );
}

/**
 * The driver of browsers and workers, and of any runtime that has nothing but
 * the standard `WebSocket`.
 *
 * `connectWebSocket` works, without headers of one's own; all else is refused
 * with `not-supported`. A WebSocket cannot be paused, tells no addresses, and
 * keeps the reason of a failure to itself.
 *
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { browserDriver } from "./browser.ts";
 *
 * assert.equal(browserDriver().name, "browser");
 * ```
 */
export function browserDriver(): Driver {
  const listen = (): Promise<never> => Promise.reject(lacking("listen"));
  return {
    name: "browser",
    ...timers,
    defer: deferByMessage(),
    connectStream(): never {
      throw lacking("connect a stream");
    },
    listenStream: listen,
    bindDatagram: () => Promise.reject(lacking("bind a datagram socket")),
    connectWebSocket({ url, protocols, headers }, events) {
      if (headers !== undefined && Object.keys(headers).length > 0) {
        throw new Fault(
          "not-supported",
          `Cannot connect to ${url}: a browser takes no headers`,
        );
      }
      const native = openWebSocket(
        url,
        () => new WebSocket(url, [...protocols]),
      );
      return new BareWebSocket(native).start(events);
    },
    listenWebSocket: listen,
  };
}

/**
 * A message to oneself: it comes after input that is ready, and without the
 * four milliseconds that browsers put on nested timers.
 */
function deferByMessage(): (callback: () => void) => void {
  let channel: MessageChannel | undefined;
  let waiting: (() => void)[] = [];
  const run = (): void => {
    const callbacks = waiting;
    waiting = [];
    for (const callback of callbacks) callback();
  };
  return (callback) => {
    if (channel === undefined) {
      channel = new MessageChannel();
      channel.port1.onmessage = run;
    }
    if (waiting.push(callback) === 1) channel.port2.postMessage(0);
  };
}
