/** The RFC 6455 table against the runtime's own WebSocket servers: what docs/transports/ws.md says of them is all that differs. */
import assert from "node:assert/strict";
import { ws } from "../../mod.ts";
import {
  rawRequest,
  RawWebSocket,
  requestText,
} from "../adapters/_web_socket.ts";
import { conforms, type TestNode, turns } from "../conformance/_nodes.ts";
import {
  DECODER_CASES,
  type DecoderCase,
} from "../framing/_web_socket_cases.ts";
import { framesBytes } from "../framing/_web_socket_frames.ts";
import { type RuntimeName, runtimeName } from "../_support.ts";
import {
  messagesOf,
  wantedAnswers,
  wantedMessages,
  withoutReasons,
} from "./_rfc6455.ts";

/** How long an answer may take of which there may be none. */
const ANSWER_MS = 250;

const SLACK: readonly RegExp[] = [
  // Lengths in longer forms than the shortest are taken.
  /^a length of [28] bytes/,
  /^a length with its highest bit set/,
  // Text is judged when it is whole.
  /^6\.4 /,
];

/** The cases that may differ, by their names. */
const DIFFERS: Readonly<Record<RuntimeName, readonly RegExp[]>> = {
  bun: SLACK,
  node: SLACK,
  deno: [
    ...SLACK,
    // No close frame for what breaks the protocol, nor for what is too big.
    /^2\.5 /,
    /^3\./,
    /^4 /,
    /^5(\.\d+)? /,
    /^6\.\d+(\.\d+)? /,
    /^6 a character does not span/,
    /^7\.3\.[26] /,
    /^7\.5/,
    /^7 a close in fragments/,
    // Refused with 1002.
    /^7\.7 the code 1014/,
    /^7\.9 /,
    /^a length of 2\^/,
    /^a ping with a length/,
  ],
};

async function differs(
  one: DecoderCase,
  raw: RawWebSocket,
  node: TestNode,
  id: unknown,
): Promise<boolean> {
  const answers = wantedAnswers(one);
  if (answers.at(-1)?.startsWith("close") !== true) {
    raw.send({ opcode: 9, data: "the last" });
    answers.push('pong "the last"');
  }
  const end = performance.now() + ANSWER_MS * (mayDiffer(one) ? 1 : 40);
  const isAnswered = () =>
    raw.log().length >= answers.length || raw.peer.isEnded ||
    raw.peer.isClosed;
  while (!isAnswered() && performance.now() < end) await turns(1);
  return withoutReasons(raw.log()).join() !== answers.join() ||
    messagesOf(node, id).join() !== wantedMessages(one).join();
}

function mayDiffer({ name }: DecoderCase): boolean {
  return DIFFERS[runtimeName].some((pattern) => pattern.test(name));
}

conforms(
  "Ws",
  "of the cases of RFC 6455, the runtime's own server differs in those documented alone",
  async (world) => {
    const server = world.node("the server");
    const listening = await server.network.listen(
      ws({ engine: "native" }),
      "127.0.0.1:0",
      { maxMessageSize: 1 << 20 },
    );
    const surprises: string[] = [];
    for (const [index, one] of DECODER_CASES.entries()) {
      const { peer, head } = await rawRequest(world, listening, requestText());
      const raw = new RawWebSocket(peer, true, head.length);
      const { endpoint } = await server.event("accepted", index);
      peer.write(framesBytes(one.frames, true));
      const isOther = await differs(one, raw, server, endpoint.resourceId);
      if (isOther && !mayDiffer(one)) surprises.push(one.name);
      peer.socket.destroy();
    }
    assert.deepEqual(surprises, []);
  },
  { timeoutMs: 60_000 },
);
