import assert from "node:assert/strict";
import { Transport } from "../../mod.ts";
import { conforms } from "./_nodes.ts";

conforms(
  "Ws",
  "resource tells the path asked for and the subprotocol agreed on, on both sides",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address, resourceId } = await server.network.listen(
      Transport.Ws,
      "127.0.0.1:0",
      { protocols: ["v2", "v1"] },
    );
    const toServer = client.network.connect(
      Transport.Ws,
      `ws://127.0.0.1:${address.port}/game?room=7`,
      { protocols: ["v1", "v2"] },
    );
    const { endpoint: toClient } = await server.event("accepted");
    await client.event("connected");
    const seen = server.network.resource(toClient.resourceId);
    assert.equal(seen?.path, "/game?room=7");
    assert.equal(seen?.protocol, "v2");
    assert.equal(seen?.listener, resourceId);
    const own = client.network.resource(toServer.resourceId);
    assert.equal(own?.path, "/game?room=7");
    assert.equal(own?.protocol, "v2");
    assert.equal(own?.endpoint, toServer);
    assert.equal(server.network.resource(resourceId)?.kind, "listener");
  },
);

conforms(
  "Node",
  "resource is undefined for what was removed",
  async (world) => {
    const node = world.node("the node");
    const { resourceId } = await node.network.listen(
      Transport.FramedTcp,
      "127.0.0.1:0",
    );
    assert.equal(node.network.resource(resourceId)?.transport, "FramedTcp");
    node.network.remove(resourceId);
    assert.equal(node.network.resource(resourceId), undefined);
  },
);

conforms(
  "Ws",
  "a refused handshake is counted, and told with its listener",
  async (world) => {
    const server = world.node("the server");
    const client = world.node("the client");
    const { address, resourceId } = await server.network.listen(
      Transport.Ws,
      "127.0.0.1:0",
      { origins: ["https://example.com"] },
    );
    client.network.connect(Transport.Ws, `ws://127.0.0.1:${address.port}`, {
      origin: "https://example.org",
    });
    assert.equal((await client.event("connected")).ok, false);
    assert.equal(server.handler.stats().listenerFaults, 1);
    assert.equal(
      server.network.resource(resourceId)?.lastFault?.code,
      "protocol",
    );
    server.network.remove(resourceId);
    assert.equal(server.handler.stats().listenerFaults, 1);
  },
);
