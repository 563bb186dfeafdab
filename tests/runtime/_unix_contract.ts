/**
 * What every driver must do with Unix sockets and their paths.
 *
 * @module
 */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import {
  Accepting,
  calling,
  connect,
  finish,
  firstWrong,
  isFault,
  pattern,
  pump,
  unix,
  withPair,
} from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

/** Runs with a folder of its own, which is removed afterwards. */
async function withFolder(
  run: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-"));
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Leaves the socket of a process that was killed at a path. */
async function leaveStaleSocket(path: string): Promise<void> {
  const child = spawn(process.execPath, [
    ...("Deno" in globalThis ? ["eval"] : ["-e"]),
    `import("node:net").then(({ createServer }) =>
       createServer().listen(${
      JSON.stringify(path)
    }, () => console.log("up")))`,
  ], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  const gone = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGKILL");
  await gone;
  assert(lstatSync(path).isSocket(), "the path did not stay");
}

export const unixRows: readonly Row[] = [
  {
    name:
      "a Unix connection carries bytes both ways; its path goes with the listener",
    run: ({ driver }) =>
      withFolder(async (folder) => {
        const path = join(folder, "a.sock");
        await withPair(
          driver,
          unix(path),
          async (client, server, accepting) => {
            assert.deepEqual(accepting.listener.address, unix(path));
            assert.deepEqual(client.socket.peerAddress, unix(path));
            assert.equal(server.socket.peerAddress.family, "unix");
            assert(lstatSync(path).isSocket());
            await pump(client, pattern(1_000_000), 65_536);
            await server.probe.until(() => server.probe.received === 1_000_000);
            assert.equal(firstWrong(server.probe.bytes()), -1);
            calling(() => server.socket.write(pattern(7)));
            await client.probe.until(() => client.probe.received === 7);
            await accepting.listener.close();
            assert(!existsSync(path), "the path is still there");
          },
        );
      }),
  },
  {
    name: "Unix connections half-close like TCP ones",
    run: ({ driver }) =>
      withFolder((folder) =>
        withPair(driver, unix(join(folder, "a")), async (client, server) => {
          calling(() => client.socket.shutdown());
          await server.probe.until(() => server.probe.ended === 1);
          calling(() => server.socket.write(pattern(5)));
          await client.probe.until(() => client.probe.received === 5);
          calling(() => server.socket.shutdown());
          await client.probe.untilClosed();
          await server.probe.untilClosed();
          assert.equal(server.probe.fault, undefined);
        })
      ),
  },
  {
    name: "an aborted Unix connection is gone for both",
    run: ({ driver }) =>
      withFolder((folder) =>
        withPair(driver, unix(join(folder, "a")), async (client, server) => {
          server.probe.onEnd = () => server.socket.shutdown();
          client.abort();
          await client.probe.untilClosed();
          await server.probe.untilClosed();
        })
      ),
  },
  {
    name: "a path that a live listener has is address-in-use, and stays",
    run: ({ driver }) =>
      withFolder(async (folder) => {
        const address = unix(join(folder, "a.sock"));
        const first = await new Accepting().listen(driver, { address });
        await assert.rejects(
          new Accepting().listen(driver, { address }),
          isFault("address-in-use"),
        );
        const client = connect(driver, address);
        await client.probe.untilOpen();
        await finish(driver, [client], first);
      }),
  },
  {
    name: "a path left by a killed process is taken over",
    run: ({ driver }) =>
      withFolder(async (folder) => {
        const path = join(folder, "stale.sock");
        await leaveStaleSocket(path);
        await withPair(driver, unix(path), async (client, server) => {
          calling(() => client.socket.write(pattern(5)));
          await server.probe.until(() => server.probe.received === 5);
        });
        assert(!existsSync(path), "the path is still there");
      }),
  },
  {
    name: "a file that is no socket is address-in-use, and stays",
    run: ({ driver }) =>
      withFolder(async (folder) => {
        const path = join(folder, "precious.txt");
        writeFileSync(path, "precious");
        await assert.rejects(
          new Accepting().listen(driver, { address: unix(path) }),
          isFault("address-in-use"),
        );
        assert(lstatSync(path).isFile());
      }),
  },
  ...(process.platform === "linux"
    ? [
      {
        name: "an abstract name works and leaves no file",
        run: async ({ driver }) => {
          const path = `\0signalbox-${process.pid}-${Math.random()}`;
          await withPair(
            driver,
            unix(path),
            async (client, server, accepting) => {
              assert.deepEqual(accepting.listener.address, unix(path));
              calling(() => client.socket.write(pattern(5)));
              await server.probe.until(() => server.probe.received === 5);
              await assert.rejects(
                new Accepting().listen(driver, { address: unix(path) }),
                isFault("address-in-use"),
              );
            },
          );
        },
      } satisfies Row,
    ]
    : []),
];
