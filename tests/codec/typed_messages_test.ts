import assert from "node:assert/strict";
import { jsonCodec, textCodec } from "../../codec/codec.ts";
import { TypedMessages } from "../../codec/typed_messages.ts";
import {
  conforms,
  conformsOn,
  isNetworkError,
  pair,
} from "../conformance/_nodes.ts";
import { packets, transports } from "../conformance/_transports.ts";

interface Ask {
  readonly ask: string;
}
interface Answer {
  readonly answer: number;
}

const memory = transports.filter(({ name }) => name === "Memory");

conformsOn(
  packets,
  "typed messages arrive as the values that were sent, each way its own type",
  async (world, row) => {
    const { server, client, toServer, toClient } = await pair(world, row);
    const asking = new TypedMessages(client.network, jsonCodec<Ask, Answer>());
    const answering = new TypedMessages(
      server.network,
      jsonCodec<Answer, Ask>(),
    );
    assert.equal(asking.send(toServer, { ask: "how many?" }), "Sent");
    const asked = answering.decode(await server.event("message"));
    assert.deepEqual(asked, {
      ok: true,
      value: { ask: "how many?" },
      error: undefined,
    });
    assert.deepEqual(answering.sendAll([toClient], { answer: 3 }), ["Sent"]);
    const answered = asking.decode(await client.event("message"));
    assert(answered.ok);
    assert.equal(answered.value.answer, 3);
  },
);

conformsOn(
  packets,
  "bad bytes are an answer, and the connection lives on",
  async (world, row) => {
    const { server, client, toServer } = await pair(world, row);
    const typed = new TypedMessages(server.network, jsonCodec<Ask>());
    client.network.send(toServer, Uint8Array.of(0xc0, 0xff));
    const bad = typed.decode(await server.event("message"));
    assert(!bad.ok);
    isNetworkError("protocol")(bad.error);
    assert(bad.error.cause instanceof TypeError);
    client.network.send(toServer, '{"ask":"again"}');
    const good = typed.decode(await server.event("message", 1));
    assert(good.ok);
  },
);

conformsOn(
  memory,
  "a value that cannot be encoded is refused before anything is sent",
  async (world, row) => {
    const { client, toServer } = await pair(world, row);
    const typed = new TypedMessages(client.network, jsonCodec<unknown>());
    assert.throws(
      () => typed.send(toServer, undefined),
      isNetworkError("invalid-message"),
    );
    assert.throws(
      () => typed.sendAll([toServer], 1n),
      isNetworkError("invalid-message"),
    );
    assert.equal(client.handler.stats().messagesSent, 0);
  },
);

conforms(
  "Ws",
  "typed text goes as a text message when asked to",
  async (world) => {
    const [row] = transports.filter(({ name }) => name === "Ws");
    assert(row !== undefined);
    const { server, client, toServer } = await pair(world, row);
    new TypedMessages(client.network, textCodec).send(toServer, "hi", {
      text: true,
    });
    const event = await server.event("message");
    assert.equal(event.isText, true);
  },
);
