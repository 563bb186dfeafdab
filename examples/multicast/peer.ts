/**
 * Finds the others on the network without being told where anybody is.
 *
 *     deno run -A peer.ts alice     (bun peer.ts alice, node peer.ts alice)
 *
 * @module
 */

import { parseArgs } from "node:util";
import {
  createNode,
  Endpoint,
  formatAddress,
  isMulticast,
  Transport,
  type UdpListenOptions,
} from "../../mod.ts";
import {
  orEnd,
  readArguments,
  whenAskedToEnd,
  wholeNumber,
} from "../_arguments.ts";

const HELP = `Usage: peer <name> [options]

Announces itself to a multicast group, prints who else does, and greets each
newcomer directly. Several peers may run on one host.

  --group G:P         the group and port; default 239.255.0.1:3010
  --interface A       the IPv4 address of the interface to use; default: the system's choice
  --announce-ms MS    the time between two announcements; default 2000
  --seconds N         ends after N seconds; default: never`;

const { name, group, options, announceMs, seconds } = readArguments(
  HELP,
  () => {
    const { values, positionals } = parseArgs({
      options: {
        group: { type: "string", default: "239.255.0.1:3010" },
        interface: { type: "string" },
        "announce-ms": { type: "string", default: "2000" },
        seconds: { type: "string" },
      },
      allowPositionals: true,
    });
    const [name] = positionals;
    if (name === undefined || positionals.length > 1 || !isName(name)) {
      throw new Error("the first argument must be a name of 1 to 32 letters");
    }
    if (!isMulticast(values.group.replace(/:\d+$/, ""))) {
      throw new Error("--group must be a multicast group and a port");
    }
    const options: UdpListenOptions = values.interface === undefined
      ? {}
      : { multicastInterface: values.interface };
    return {
      name,
      group: values.group,
      options,
      announceMs: wholeNumber("--announce-ms", values["announce-ms"], 1, 1e9),
      seconds: values.seconds === undefined
        ? undefined
        : wholeNumber("--seconds", values.seconds, 1, 1e6),
    };
  },
);

/** What peers say: to the group "here I am", to one another "I have heard of you". */
interface Message {
  readonly type: "announcement" | "greeting";
  /** Who speaks. Names may be used twice, an id is not. */
  readonly id: string;
  readonly name: string;
}

function isName(text: unknown): text is string {
  return typeof text === "string" && /^[\p{L}\p{N}_-]{1,32}$/u.test(text);
}

/** Anybody may send anything to a group: undefined for what is not of this protocol. */
function decode(data: Uint8Array): Message | undefined {
  try {
    const { type, id, name } = JSON.parse(new TextDecoder().decode(data));
    const isKnown = type === "announcement" || type === "greeting";
    if (!isKnown || !isName(name)) return undefined;
    if (typeof id !== "string" || id.length !== 36) return undefined;
    return { type, id, name };
  } catch {
    return undefined;
  }
}

/** More peers than this are not remembered: their ids are cheap to make up. */
const MAX_PEERS = 1_000;

const { handler, listener } = createNode<"announce" | "end">();
const { network, signals } = handler;
const self = crypto.randomUUID();
const known = new Set<string>([self]);

// Two sockets: peers of one host share the group's port, so an answer that is
// meant for one of them alone goes to the port that nobody else has.
await orEnd(network.listen(Transport.Udp, group, options));
const own = await orEnd(network.listen(Transport.Udp, ":0", options));
const everybody = Endpoint.fromListener(own.resourceId, group);

function say(type: Message["type"], to: Endpoint): void {
  const message: Message = { type, id: self, name };
  network.send(to, JSON.stringify(message));
}

console.log(`${name} listens to ${group}, and on port ${own.address.port}`);
signals.send("announce");
if (seconds !== undefined) signals.sendWithTimer("end", seconds * 1_000);
whenAskedToEnd(() => void handler.stop());

await listener.forEach((event) => {
  if (event.type === "signal") {
    if (event.signal === "end") return void handler.stop();
    // Again and again: a datagram may be lost, and so may its answer.
    say("announcement", everybody);
    signals.sendWithTimer("announce", announceMs);
  } else if (event.type === "message") {
    const message = decode(event.data);
    if (message === undefined || known.has(message.id)) return;
    if (known.size > MAX_PEERS) return;
    known.add(message.id);
    const { address } = event.endpoint;
    if (message.type === "greeting") {
      console.log(`${message.name} greets me from ${formatAddress(address)}`);
      return;
    }
    console.log(`${message.name} is at ${formatAddress(address)}: I greet it`);
    say("greeting", Endpoint.fromListener(own.resourceId, address));
  }
});
