/**
 * Takes files from any number of senders at once.
 *
 *     deno run -A receiver.ts --dir downloads     (bun receiver.ts …, node receiver.ts …)
 *
 * @module
 */

import { stat } from "node:fs/promises";
import { parseArgs } from "node:util";
import {
  createNode,
  type Endpoint,
  formatAddress,
  Transport,
} from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";
import { IncomingFile, NAME_TAKEN } from "./incoming_file.ts";
import { Progress } from "./progress.ts";
import { CHUNK_SIZE, decodeFromSender, type FromReceiver } from "./protocol.ts";
import { safeName } from "./safe_name.ts";

const HELP = `Usage: receiver [options]

Takes files from senders into a folder. A file that is there is not replaced,
and one that does not arrive whole, with the right checksum, is not kept.

  --dir D         the folder; default: the current one
  --host H        the IP address to listen on; default 127.0.0.1
  --port P        the port; default 3005; 0 takes a free one
  --max-bytes N   the largest file to take; default 1073741824`;

const { folder, address, maxBytes } = readArguments(HELP, () => {
  const { values } = parseArgs({
    options: {
      dir: { type: "string", default: "." },
      host: { type: "string", default: "127.0.0.1" },
      port: { type: "string", default: "3005" },
      "max-bytes": { type: "string", default: String(2 ** 30) },
    },
  });
  return {
    folder: values.dir,
    address: {
      hostname: values.host,
      port: wholeNumber("--port", values.port, 0, 65_535),
    },
    maxBytes: wholeNumber(
      "--max-bytes",
      values["max-bytes"],
      0,
      Number.MAX_SAFE_INTEGER,
    ),
  };
});

const { handler, listener } = createNode();
const { network } = handler;
const progress = new Progress();
const incoming = new Map<number, IncomingFile>();

await orEnd(checkFolder());
const listening = await orEnd(
  network.listen(Transport.FramedTcp, address, { maxMessageSize: CHUNK_SIZE }),
);
console.log(`receiver on ${formatAddress(listening.address)}`);
whenAskedToEnd(() => void handler.stop({ drain: 1_000 }));

async function checkFolder(): Promise<void> {
  const isFolder = await stat(folder).then(
    (it) => it.isDirectory(),
    () => false,
  );
  if (!isFolder) throw new Error(`--dir ${folder} is no folder`);
}

function answer(endpoint: Endpoint, message: FromReceiver): void {
  network.send(endpoint, JSON.stringify(message));
}

/** Ends a transfer: nothing of the file stays, the reason goes out, and the connection ends. */
async function refuse(endpoint: Endpoint, reason: string): Promise<void> {
  await abandon(endpoint, reason);
  answer(endpoint, { type: "refuse", reason });
  network.remove(endpoint.resourceId, { drain: 1_000 });
}

async function abandon(endpoint: Endpoint, why: string): Promise<void> {
  const file = incoming.get(endpoint.resourceId);
  incoming.delete(endpoint.resourceId);
  if (file === undefined) return console.log(`${endpoint} refused: ${why}`);
  await file.discard();
  progress.end(file.name, `${file.name} dropped: ${why}`);
}

async function takeRequest(
  endpoint: Endpoint,
  data: Uint8Array,
): Promise<void> {
  const message = decodeFromSender(data);
  if (message?.type !== "request") {
    return await refuse(endpoint, "this is no request");
  }
  const name = safeName(message.name);
  if (name === undefined) return await refuse(endpoint, "the name is no good");
  if (message.size > maxBytes) {
    return await refuse(endpoint, "the file is too large");
  }
  const file = await IncomingFile.create(folder, name, message.size);
  if (file === undefined) {
    return await refuse(endpoint, NAME_TAKEN);
  }
  incoming.set(endpoint.resourceId, file);
  console.log(`${name} comes, ${message.size} bytes, from ${endpoint}`);
  answer(endpoint, { type: "accept" });
}

async function takeChunk(
  endpoint: Endpoint,
  file: IncomingFile,
  data: Uint8Array,
): Promise<void> {
  if (file.received + data.length > file.size) {
    return await refuse(endpoint, "more came than was announced");
  }
  await file.write(data);
  progress.update(file.name, file.received, file.size);
}

async function takeChecksum(
  endpoint: Endpoint,
  file: IncomingFile,
  data: Uint8Array,
): Promise<void> {
  const message = decodeFromSender(data);
  const fault = message?.type === "checksum"
    ? await file.finish(message.sha256)
    : "this is no checksum";
  if (fault !== undefined) return await refuse(endpoint, fault);
  incoming.delete(endpoint.resourceId);
  answer(endpoint, { type: "done" });
  progress.end(file.name, `${file.name} complete, checksum right`);
}

async function take(endpoint: Endpoint, data: Uint8Array): Promise<void> {
  const file = incoming.get(endpoint.resourceId);
  try {
    if (file === undefined) await takeRequest(endpoint, data);
    else if (file.isComplete) await takeChecksum(endpoint, file, data);
    else await takeChunk(endpoint, file, data);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    await refuse(endpoint, "the file cannot be written");
  }
}

// One event at a time, each written to the disk before the next is taken: when
// the disk is slower than the network the events queue up, to a bound, and then
// the sockets pause, so that the senders have to wait.
for await (const event of listener) {
  if (event.type === "message") {
    await take(event.endpoint, event.data);
  } else if (event.type === "disconnected") {
    if (!incoming.has(event.endpoint.resourceId)) continue;
    await abandon(event.endpoint, `the sender has gone (${event.reason})`);
  }
}
for (const file of incoming.values()) await file.discard();
