import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import process from "node:process";
import { type Adapter, NetworkError, Transport } from "../../mod.ts";
import { withTempFolder } from "../_support.ts";
import {
  conforms,
  conformsOn,
  deadAddress,
  isNetworkError,
  pair,
  turns,
} from "./_nodes.ts";
import { silentTransport } from "./_silent_transport.ts";
import { oriented, transports } from "./_transports.ts";

conformsOn(
  transports,
  "an address that is taken is address-in-use, at the call",
  async (world, row) => {
    const first = world.node();
    const second = world.node();
    const { address } = await first.listen(row);
    for (const node of [first, second]) {
      await assert.rejects(
        node.network.listen(row.adapter, row.peerAddress(address)),
        (error: unknown) => {
          isNetworkError("address-in-use")(error);
          assert(error instanceof NetworkError);
          assert.equal(error.name, "NetworkError");
          assert.match(error.message, /^Cannot /);
          return true;
        },
      );
    }
    assert.equal(second.network.resources().length, 0);
    await turns();
    assert.equal(second.events.length, 0);
    // A Unix path is found alive by connecting to it: its listener sees that.
    if (row.raw !== "path") assert.equal(first.events.length, 0);
  },
);

conformsOn(
  oriented,
  "an address where others listen is left to them after a failed listen",
  async (world, row) => {
    const { server, client, listening } = await pair(world, row);
    const other = world.node();
    await assert.rejects(
      other.network.listen(row.adapter, row.peerAddress(listening.address)),
      isNetworkError("address-in-use"),
    );
    await other.handler.stop();
    client.connect(row, listening);
    await server.event("accepted", 1);
  },
);

conformsOn(
  oriented,
  "the error of a failed connect names what was tried",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const client = world.node();
    client.network.connect(row.adapter, address);
    const { error } = await client.event("connected");
    assert(error instanceof NetworkError);
    assert.match(error.message, /^Cannot connect/);
    assert(error instanceof Error);
  },
);

for (
  const { name, adapter } of transports.filter(({ raw, isOriented }) =>
    raw === "port" || !isOriented
  )
) {
  conforms(
    name,
    "an address that is not of this host is address-not-available",
    async (world) => {
      const node = world.node();
      await assert.rejects(
        node.network.listen(adapter, "203.0.113.77:0"),
        isNetworkError("address-not-available"),
      );
    },
  );

  conforms(
    name,
    "a source address that is not of this host fails the connect as address-not-available",
    async (world) => {
      const node = world.node();
      node.network.connect(adapter, "127.0.0.1:9", {
        sourceAddress: { hostname: "203.0.113.77" },
      } as { maxMessageSize?: number });
      const { ok, error } = await node.event("connected");
      assert.equal(ok, false);
      isNetworkError("address-not-available")(error);
    },
  );
}

conformsOn(
  transports.filter(({ raw, name }) =>
    raw !== undefined || name.endsWith("with TLS")
  ),
  "the error of a failed connect or listen keeps the runtime's own as its cause",
  async (world, row) => {
    const address = await deadAddress(world, row);
    const node = world.node();
    const isCaused = (error: unknown) => {
      assert(error instanceof NetworkError);
      assert(error.cause instanceof Error, String(error.cause));
      assert(!(error.cause instanceof NetworkError));
      return true;
    };
    node.network.connect(row.adapter, address);
    isCaused((await node.event("connected")).error);
    if (row.raw === "path") return;
    const { address: taken } = await node.listen(row);
    await assert.rejects(
      node.network.listen(row.adapter, row.peerAddress(taken)),
      isCaused,
    );
  },
);

conforms(
  "Node",
  "whatever a transport of the user's own throws is a NetworkError, at the call and with it as cause",
  async (world) => {
    const { network } = world.node();
    const thrown = new TypeError("not of signalbox");
    const isIo = (error: unknown) => {
      isNetworkError("io")(error);
      assert.equal((error as Error).cause, thrown);
      return true;
    };
    const broken: Adapter = {
      ...silentTransport(),
      connect: () => {
        throw thrown;
      },
      listen: () => {
        throw thrown;
      },
    };
    assert.throws(() => network.connect(broken, "127.0.0.1:1"), isIo);
    await assert.rejects(network.connectAsync(broken, "127.0.0.1:1"), isIo);
    await assert.rejects(network.listen(broken, "127.0.0.1:1"), isIo);
    assert.deepEqual(network.resources(), []);
  },
);

conforms("Node", "a NetworkError keeps its code, message and cause", () => {
  const cause = new Error("underneath");
  const error = new NetworkError("io", "Cannot do it", { cause });
  assert.equal(error.code, "io");
  assert.equal(error.message, "Cannot do it");
  assert.equal(error.cause, cause);
  assert.equal(error.name, "NetworkError");
  assert.equal(String(error), "NetworkError: Cannot do it");
});

if (process.platform !== "win32") {
  for (const row of transports.filter(({ raw }) => raw === "path")) {
    conforms(
      row.name,
      "a path whose folder does not exist is address-not-available",
      (world) =>
        withTempFolder(async (folder) => {
          const node = world.node();
          await assert.rejects(
            node.network.listen(row.adapter, {
              path: join(folder, "none", "socket"),
            }),
            isNetworkError("address-not-available"),
          );
        }),
    );

    conforms(
      row.name,
      "a path that is a file is address-in-use, and the file is left alone",
      (world) =>
        withTempFolder(async (folder) => {
          const node = world.node();
          const path = join(folder, "file");
          await writeFile(path, "precious");
          await assert.rejects(
            node.network.listen(row.adapter, { path }),
            isNetworkError("address-in-use"),
          );
          const { readFile } = await import("node:fs/promises");
          assert.equal(await readFile(path, "utf8"), "precious");
        }),
    );

    conforms(
      row.name,
      "a path that is a folder is address-in-use",
      (world) =>
        withTempFolder(async (folder) => {
          const node = world.node();
          const path = join(folder, "folder");
          await mkdir(path);
          await assert.rejects(
            node.network.listen(row.adapter, { path }),
            isNetworkError("address-in-use"),
          );
        }),
    );

    conforms(
      row.name,
      "a path that is too long is invalid-address",
      async (world) => {
        const node = world.node();
        const path = `/tmp/${"x".repeat(200)}`;
        await assert.rejects(
          node.network.listen(row.adapter, { path }),
          isNetworkError("invalid-address"),
        );
        assert.throws(
          () => node.network.connect(row.adapter, { path }),
          isNetworkError("invalid-address"),
        );
      },
    );

    conforms(
      row.name,
      "a connect to a path that does not exist says connection-refused",
      async (world) => {
        const node = world.node();
        node.network.connect(row.adapter, "/tmp/sb-nobody-was-ever-here.sock");
        isNetworkError("connection-refused")(
          (await node.event("connected")).error,
        );
      },
    );
  }
}

conforms(
  "Tcp",
  "a port that needs privileges is permission-denied, or granted where it does not",
  async (world) => {
    const node = world.node();
    let outcome: unknown;
    let port = 0;
    do {
      port += 1;
      outcome = await node.network.listen(Transport.Tcp, `127.0.0.1:${port}`)
        .then(() => undefined, (error: unknown) => error);
      // Another run of this test may have been granted the same a moment ago.
    } while (
      outcome instanceof NetworkError && outcome.code === "address-in-use"
    );
    // Root, and systems that protect no port, may bind it.
    if (outcome !== undefined) isNetworkError("permission-denied")(outcome);
  },
);
