/**
 * Sends messages to an echo server one by one, and checks each answer.
 *
 *     deno run --allow-net client.ts FramedTcp 127.0.0.1:3042     (bun client.ts …, node client.ts …)
 *
 * @module
 */

import { parseArgs } from "node:util";
import { createNode, type Endpoint, Transport } from "../../mod.ts";
import { orEnd, readArguments, wholeNumber } from "../_arguments.ts";

const HELP = `Usage: client <FramedTcp|Udp|Ws> <host:port> [--count N]

Sends N messages (default 1000) of 0 to 1,200 bytes, one in flight, compares
each answer, and prints how many came back and the median round trip.`;

const TRANSPORTS = {
  FramedTcp: Transport.FramedTcp,
  Udp: Transport.Udp,
  Ws: Transport.Ws,
};
type TransportName = keyof typeof TRANSPORTS;

/** Loopback loses datagrams only when a buffer is full; one that is lost is sent again after this time. */
const RESEND_MS = 500;

function isTransportName(name: string | undefined): name is TransportName {
  return name !== undefined && name in TRANSPORTS;
}

const { name, address, count } = readArguments(HELP, () => {
  const { values, positionals } = parseArgs({
    options: { count: { type: "string", default: "1000" } },
    allowPositionals: true,
  });
  const [name, address] = positionals;
  if (!isTransportName(name)) {
    throw new Error("the first argument must be FramedTcp, Udp or Ws");
  }
  if (address === undefined || positionals.length > 2) {
    throw new Error("the second argument must be an address");
  }
  return {
    name,
    address,
    count: wholeNumber("--count", values.count, 1, 100_000_000),
  };
});

const { handler, listener } = createNode<"resend">();
const { network, signals } = handler;
const roundTripsMs: number[] = [];
let message: Uint8Array = new Uint8Array(0);
let sentAt = 0;

function messageNumber(index: number): Uint8Array {
  const bytes = new Uint8Array((index * 7) % 1_201);
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = index + at;
  return bytes;
}

const server = await orEnd(
  new Promise<Endpoint>((resolve) =>
    resolve(network.connect(TRANSPORTS[name], address))
  ),
);

function sendNext(): void {
  message = messageNumber(roundTripsMs.length);
  sentAt = performance.now();
  network.send(server, message);
}

await listener.forEach((event) => {
  switch (event.type) {
    case "connected":
      if (!event.ok) throw event.error;
      sendNext();
      if (name === "Udp") signals.sendWithTimer("resend", RESEND_MS);
      break;
    case "message": {
      const { data } = event;
      if (
        data.length !== message.length ||
        data.some((byte, at) => byte !== message[at])
      ) {
        // A late answer to a datagram that was sent twice is no mistake of anybody.
        if (name === "Udp") return;
        throw new Error(`message ${roundTripsMs.length} came back changed`);
      }
      roundTripsMs.push(performance.now() - sentAt);
      if (roundTripsMs.length % 500 === 0) {
        console.error(`${name} ${roundTripsMs.length}/${count}`);
      }
      if (roundTripsMs.length < count) sendNext();
      else void handler.stop();
      break;
    }
    case "signal":
      if (performance.now() - sentAt > RESEND_MS) network.send(server, message);
      signals.sendWithTimer("resend", RESEND_MS);
      break;
    case "disconnected":
      throw new Error(`the server ended the connection: ${event.reason}`);
  }
});

roundTripsMs.sort((a, b) => a - b);
const medianUs = (roundTripsMs[count >> 1] ?? 0) * 1000;
console.log(
  `${name} ${roundTripsMs.length} echoed, median round trip ${
    medianUs.toFixed(1)
  } us`,
);
