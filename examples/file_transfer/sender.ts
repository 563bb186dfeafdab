/**
 * Sends a file.
 *
 *     deno run -A sender.ts photo.jpg 127.0.0.1:3005     (bun sender.ts …, node sender.ts …)
 *
 * @module
 */

import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { basename } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import { createNode, SendStatus, Transport } from "../../mod.ts";
import { orEnd, readArguments, whenAskedToEnd } from "../_arguments.ts";
import { Progress } from "./progress.ts";
import { CHUNK_SIZE, decodeFromReceiver, type FromSender } from "./protocol.ts";

const HELP = `Usage: sender <file> <host:port>

Sends a file to a receiver. The exit status is 0 when the receiver has the whole
file and its checksum is right.`;

const { path, address } = readArguments(HELP, () => {
  const { positionals } = parseArgs({ options: {}, allowPositionals: true });
  const [path, address] = positionals;
  if (path === undefined || address === undefined || positionals.length > 2) {
    throw new Error("the arguments must be a file and an address");
  }
  return { path, address };
});

const { file, size } = await orEnd(openFile());
const name = basename(path);

const { handler, listener } = createNode();
const { network } = handler;
const progress = new Progress();
const receiver = await orEnd(
  Promise.resolve().then(() => network.connect(Transport.FramedTcp, address)),
);
whenAskedToEnd(() => end(`${name}: stopped`));

async function openFile(): Promise<{ file: FileHandle; size: number }> {
  const file = await open(path);
  const found = await file.stat();
  if (!found.isFile()) throw new Error(`${path} is no file`);
  return { file, size: found.size };
}

function send(message: FromSender): void {
  network.send(receiver, JSON.stringify(message));
}

function end(failure?: string): void {
  if (failure !== undefined) {
    progress.end(name, failure);
    process.exitCode = 1;
  }
  void handler.stop();
}

/** Reads no faster than the receiver takes: `Congested` says wait, and `writable` that it goes on. */
async function sendContents(): Promise<void> {
  const hash = createHash("sha256");
  let sent = 0;
  while (sent < size) {
    // A new buffer each time: what was sent stays unchanged.
    const buffer = new Uint8Array(Math.min(CHUNK_SIZE, size - sent));
    const { bytesRead } = await file.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) return end(`${name}: the file has become shorter`);
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    const status = network.send(receiver, chunk);
    const goesOn = status === SendStatus.Sent ||
      status === SendStatus.Congested && await network.writable(receiver);
    // The connection has ended, and an event tells why.
    if (!goesOn) return;
    sent += bytesRead;
    progress.update(name, sent, size);
  }
  send({ type: "checksum", sha256: hash.digest("hex") });
}

await listener.forEach((event) => {
  switch (event.type) {
    case "connected":
      if (event.ok) send({ type: "request", name, size });
      else end(event.error.message);
      break;
    case "message": {
      const message = decodeFromReceiver(event.data);
      if (message?.type === "accept") {
        void sendContents().catch((error) => end(`${name}: ${error}`));
      } else if (message?.type === "done") {
        progress.end(name, `${name} sent, checksum right`);
        end();
      } else {
        const reason = message?.reason ?? "it speaks something else";
        end(`${name} refused: ${reason}`);
      }
      break;
    }
    case "disconnected":
      end(`${name}: the receiver has gone (${event.reason})`);
      break;
  }
});
await file.close();
