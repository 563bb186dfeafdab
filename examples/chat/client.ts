/**
 * Takes part in a chat from a terminal.
 *
 *     deno run -A client.ts alice 127.0.0.1:3050     (bun client.ts …, node client.ts …)
 *
 * @module
 */

import process from "node:process";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { createNode, Transport } from "../../mod.ts";
import { orEnd, readArguments } from "../_arguments.ts";
import {
  decodeFromServer,
  type FromChatter,
  type FromServer,
  isName,
} from "./protocol.ts";

const HELP = `Usage: client <name> <host:port>

Joins the chat. Each line that you enter is said; the end of the input (Ctrl-D)
leaves.`;

const { name, address } = readArguments(HELP, () => {
  const { positionals } = parseArgs({ options: {}, allowPositionals: true });
  const [name, address] = positionals;
  if (!isName(name)) {
    throw new Error("the first argument must be a name of 1 to 20 letters");
  }
  if (address === undefined || positionals.length > 2) {
    throw new Error("the second argument must be an address");
  }
  return { name, address };
});

const { handler, listener } = createNode();
const { network } = handler;
const server = await orEnd(
  Promise.resolve().then(() => network.connect(Transport.FramedTcp, address)),
);

function tell(message: FromChatter): void {
  network.send(server, JSON.stringify(message));
}

function end(failure?: string): void {
  if (failure !== undefined) {
    console.error(failure);
    process.exitCode = 1;
  }
  // Else an open terminal would keep the program.
  process.stdin.destroy();
  void handler.stop({ drain: 1_000 });
}

function readInput(): void {
  const input = createInterface({ input: process.stdin });
  input.on("line", (line) => {
    if (line.trim() !== "") tell({ type: "say", text: line.trim() });
  });
  input.on("close", () => end());
}

let isIn = false;

function hear(message: FromServer): void {
  switch (message.type) {
    case "welcome":
      isIn = true;
      console.log(`You are in, with ${message.names.join(", ") || "nobody"}`);
      readInput();
      break;
    case "refused":
      if (isIn) console.log(message.reason);
      else end(message.reason);
      break;
    case "joined":
      console.log(`${message.name} has joined`);
      break;
    case "left":
      console.log(`${message.name} has left`);
      break;
    case "said":
      console.log(`${message.name}: ${message.text}`);
      break;
  }
}

await listener.forEach((event) => {
  switch (event.type) {
    case "connected":
      if (event.ok) tell({ type: "join", name });
      else end(event.error.message);
      break;
    case "message":
      try {
        hear(decodeFromServer(event.data));
      } catch (error) {
        end(`the server speaks something else: ${error}`);
      }
      break;
    case "disconnected":
      end(`the server has gone: ${event.reason}`);
      break;
  }
});
