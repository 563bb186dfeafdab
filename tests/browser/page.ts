/**
 * What the page runs: the package as a bundler for browsers finds it. The check
 * bundles this file in a project where the package is installed.
 */
import { createNode, SendStatus, Ws } from "signalbox";

const encoder = new TextEncoder();

/** Of every size from nothing to some thousand bytes, none like another. */
function message(index: number): Uint8Array {
  const bytes = new Uint8Array(index === 0 ? 0 : (index * 37) % 5_000 + 4);
  if (bytes.length > 0) new DataView(bytes.buffer).setUint32(0, index);
  return bytes;
}

function isMessage(index: number, data: Uint8Array): boolean {
  const expected = message(index);
  return data.length === expected.length &&
    data.every((byte, at) => byte === expected[at]);
}

/** Exchanges messages with an echo server, up to 50 of them on their way at a time. */
async function exchange(url: string, count: number): Promise<string> {
  const { handler, listener } = createNode();
  const { network } = handler;
  try {
    const endpoint = await network.connectAsync(Ws, url);
    let sent = 0;
    const sendNext = (): void => {
      const status = network.send(endpoint, message(sent));
      if (status !== SendStatus.Sent) {
        throw new Error(`send ${sent}: ${status}`);
      }
      sent++;
    };
    while (sent < 50) sendNext();
    let received = 0;
    for await (const event of listener) {
      if (event.type === "disconnected") {
        throw new Error(`disconnected after ${received}: ${event.reason}`);
      }
      if (event.type !== "message") continue;
      if (!isMessage(received, event.data)) {
        throw new Error(`message ${received} came back changed`);
      }
      received++;
      if (received === count) break;
      if (sent < count) sendNext();
    }
    return `${received} messages`;
  } finally {
    await handler.stop();
  }
}

/** Connects where nobody listens; returns the error's code. */
async function connectToNobody(url: string): Promise<string> {
  const { handler, listener } = createNode();
  try {
    handler.network.connect(Ws, url);
    for await (const event of listener) {
      if (event.type !== "connected") continue;
      return event.ok ? "connected" : event.error.code;
    }
    return "no event";
  } finally {
    await handler.stop();
  }
}

/** Asks the server to close the connection; returns the reason that is told. */
async function beClosed(url: string): Promise<string> {
  const { handler, listener } = createNode();
  try {
    const endpoint = await handler.network.connectAsync(Ws, url);
    handler.network.send(endpoint, encoder.encode("close"), { text: true });
    for await (const event of listener) {
      if (event.type === "disconnected") return event.reason;
    }
    return "no event";
  } finally {
    await handler.stop();
  }
}

Object.assign(globalThis, { exchange, connectToNobody, beClosed });
