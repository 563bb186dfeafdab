/**
 * What the shared table cannot see: how the driver of Bun uses the WebSockets of a
 * `Bun.serve`. All rows run on every runtime, on sockets that the test plays.
 */

import assert from "node:assert/strict";
import type { BunServerWebSocket } from "../../runtime/_bun_api.ts";
import { createBunWebSocketHandlers } from "../../runtime/bun_web_socket.ts";
import type { WebSocketSocket } from "../../runtime/driver.ts";
import { test } from "../_test.ts";
import { settled } from "./_played_bun.ts";
import { pattern } from "./_probe.ts";

/** A WebSocket of a server that the test plays. */
class PlayedWebSocket implements BunServerWebSocket {
  readonly data = "the user's";
  readonly remoteAddress = "127.0.0.1";
  readyState = 1;
  buffered = 0;
  takes = 1;
  readonly calls: string[] = [];
  inside: (() => void) | undefined;

  sendBinary(): number {
    return this.takes;
  }
  sendText(): number {
    return this.takes;
  }
  getBufferedAmount(): number {
    return this.buffered;
  }
  close(code?: number): void {
    this.calls.push(`close ${code}`);
    this.inside?.();
  }
  terminate(): void {
    this.calls.push("terminate");
    this.inside?.();
  }
  pause(): void {}
  resume(): void {}
}

interface Heard {
  drained: number;
  readonly closed: [code: number, fault: string | undefined][];
  readonly messages: string[];
}

function attached(native: PlayedWebSocket): {
  readonly handlers: ReturnType<
    typeof createBunWebSocketHandlers<PlayedWebSocket>
  >;
  readonly socket: WebSocketSocket;
  readonly heard: Heard;
} {
  const heard: Heard = { drained: 0, closed: [], messages: [] };
  let attachedSocket: WebSocketSocket | undefined;
  const handlers = createBunWebSocketHandlers((socket, of: PlayedWebSocket) => {
    assert.equal(of, native);
    attachedSocket = socket;
    return {
      open: () => assert.fail("open is not for accepted ones"),
      message: (data, isText) =>
        heard.messages.push(`${isText ? "text" : "bytes"} ${data.byteLength}`),
      drain: () => heard.drained++,
      closed: (code, _reason, fault) => heard.closed.push([code, fault?.code]),
    };
  });
  handlers.open(native);
  assert(attachedSocket !== undefined);
  return { handlers, socket: attachedSocket, heard };
}

test("bun web socket: dropped is refused, queued is owed one drain, empty is neither", () => {
  const native = new PlayedWebSocket();
  const { handlers, socket, heard } = attached(native);
  native.takes = 0;
  assert.equal(socket.send(pattern(5), false), false);
  assert.equal(socket.send(new Uint8Array(0), false), true);
  assert.equal(socket.send(new Uint8Array([0xff]), true), false, "not UTF-8");
  native.takes = -1;
  native.buffered = 5;
  assert.equal(socket.send(pattern(5), false), true);
  assert.equal(socket.pending, 5);
  handlers.drain(native);
  assert.equal(heard.drained, 0);
  native.buffered = 0;
  handlers.drain(native);
  handlers.drain(native);
  assert.equal(heard.drained, 1);
  assert.equal(native.data, "the user's");
});

test("bun web socket: how it ended is told by code", () => {
  const rows: [number, string, number, string | undefined][] = [
    [1000, "", 1000, undefined],
    [1005, "", 1005, undefined],
    [4001, "why", 4001, undefined],
    [1006, "", 1006, "connection-reset"],
    [1006, "Received too big message", 1009, "message-too-big"],
    [1006, "Received invalid UTF-8", 1007, "protocol"],
    [1006, "Received invalid opcode", 1002, "protocol"],
  ];
  for (const [code, reason, told, fault] of rows) {
    const native = new PlayedWebSocket();
    const { handlers, heard } = attached(native);
    handlers.close(native, code, reason);
    handlers.close(native, code, reason);
    assert.deepEqual(heard.closed, [[told, fault]]);
  }
});

test("bun web socket: a close from inside a call is told after it; codes that cannot be sent are left out", async () => {
  for (const code of [1000, 1011, 4999, 1005, 1006, 2000, 0]) {
    const native = new PlayedWebSocket();
    const { handlers, socket, heard } = attached(native);
    native.inside = () => handlers.close(native, 1006, "");
    socket.close(code, "");
    assert.equal(heard.closed.length, 0);
    handlers.message(native, "late");
    await settled();
    assert.deepEqual(heard.closed, [[1006, undefined]]);
    assert.deepEqual(heard.messages, []);
    const isSent = code === 1000 || code === 1011 || code === 4999;
    assert.deepEqual(native.calls, [`close ${isSent ? code : undefined}`]);
    assert.equal(socket.send(pattern(1), false), false);
  }
});
