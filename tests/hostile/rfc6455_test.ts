/**
 * The cases of the RFC 6455 table, over sockets: played to the listener by a raw
 * client, and to the client by a raw server.
 */
import assert from "node:assert/strict";
import { Ws } from "../../mod.ts";
import {
  rawRequest,
  rawServer,
  RawWebSocket,
  requestText,
} from "../adapters/_web_socket.ts";
import { conforms, type TestNode, type World } from "../conformance/_nodes.ts";
import { webSocketAccept } from "../../framing/web_socket_handshake.ts";
import {
  DECODER_CASES,
  type DecoderCase,
} from "../framing/_web_socket_cases.ts";
import { framesBytes } from "../framing/_web_socket_frames.ts";
import {
  messagesOf,
  wantedAnswers,
  wantedMessages,
  withoutReasons,
} from "./_rfc6455.ts";

const MAX_MESSAGE_SIZE = 1 << 20;

/** Groups by the number that a case's name begins with. */
const GROUPS = new Map<string, DecoderCase[]>();
for (const one of DECODER_CASES) {
  const group = /^\d+/.exec(one.name)?.[0] ?? "lengths";
  GROUPS.set(group, [...GROUPS.get(group) ?? [], one]);
}

const TITLES: Readonly<Record<string, string>> = {
  "1": "framing",
  "2": "pings and pongs",
  "3": "reserved bits",
  "4": "opcodes",
  "5": "fragmentation",
  "6": "UTF-8",
  "7": "close handshake and codes",
  "10": "automatic fragmentation",
  "lengths": "lengths",
};

/** Compares both directions; a last ping says that all before it has been read. */
async function compare(
  one: DecoderCase,
  raw: RawWebSocket,
  node: TestNode,
  id: unknown,
): Promise<void> {
  const answers = wantedAnswers(one);
  const isOver = answers.at(-1)?.startsWith("close") === true;
  if (!isOver) {
    raw.send({ opcode: 9, data: "the last" });
    answers.push('pong "the last"');
  }
  const log = await raw.logOf(answers.length);
  assert.deepEqual(
    withoutReasons(log),
    answers,
    one.name,
  );
  if (isOver) await raw.peer.over();
  assert.deepEqual(messagesOf(node, id), wantedMessages(one), one.name);
}

async function inTurns(
  cases: readonly DecoderCase[],
  run: (one: DecoderCase) => Promise<void>,
): Promise<void> {
  for (const one of cases) await run(one);
}

for (const [group, cases] of GROUPS) {
  const title = `RFC 6455, ${TITLES[group]}, ${cases.length} cases`;
  conforms(
    "Ws",
    `${title}: the listener, over a socket`,
    async (world: World) => {
      const server = world.node("the server");
      const listening = await server.network.listen(Ws, "127.0.0.1:0", {
        maxMessageSize: MAX_MESSAGE_SIZE,
      });
      await inTurns(cases, async (one) => {
        const { peer, head } = await rawRequest(
          world,
          listening,
          requestText(),
        );
        const raw = new RawWebSocket(peer, true, head.length);
        const { endpoint } = await server.event(
          "accepted",
          cases.indexOf(one),
        );
        peer.write(framesBytes(one.frames, true));
        await compare(one, raw, server, endpoint.resourceId);
        peer.socket.destroy();
      });
    },
  );

  conforms(
    "Ws",
    `${title}: the client, over a socket`,
    async (world: World) => {
      const client = world.node("the client");
      const { port, sockets } = await rawServer(world, (head) => {
        const key = /sec-websocket-key: (\S+)/i.exec(head)?.[1] ?? "";
        return [
          "HTTP/1.1 101 Switching Protocols",
          "Upgrade: websocket",
          "Connection: Upgrade",
          `Sec-WebSocket-Accept: ${webSocketAccept(key)}`,
          "",
          "",
        ].join("\r\n");
      });
      await inTurns(cases, async (one) => {
        const index = cases.indexOf(one);
        const endpoint = client.network.connect(
          Ws,
          `127.0.0.1:${port}`,
          { maxMessageSize: MAX_MESSAGE_SIZE },
        );
        assert.ifError((await client.event("connected", index)).error);
        const raw = sockets[index];
        assert(raw !== undefined);
        raw.peer.write(framesBytes(one.frames, false));
        await compare(one, raw, client, endpoint.resourceId);
        raw.peer.socket.destroy();
      });
    },
  );
}
