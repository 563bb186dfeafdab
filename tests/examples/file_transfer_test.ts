import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import process from "node:process";
import { CHUNK_SIZE } from "../../examples/file_transfer/protocol.ts";
import { safeName } from "../../examples/file_transfer/safe_name.ts";
import { createNode, type Endpoint, Transport } from "../../mod.ts";
import { type RunningProcess, withTempFolder } from "../_support.ts";
import { fc } from "../_property.ts";
import {
  checkArguments,
  endProgram,
  printed,
  startProgram,
  test,
} from "./_programs.ts";

const RECEIVER = "file_transfer/receiver.ts";
const SENDER = "file_transfer/sender.ts";

interface Setting {
  readonly receiver: RunningProcess;
  readonly address: string;
  /** Where the files of the senders are. */
  readonly from: string;
  /** The receiver's folder. */
  readonly to: string;
}

/** Runs a receiver with a folder of its own. */
function withReceiver(
  options: readonly string[],
  use: (setting: Setting) => Promise<void>,
): Promise<void> {
  return withTempFolder(async (folder) => {
    const from = join(folder, "from");
    const to = join(folder, "to");
    await mkdir(from);
    await mkdir(to);
    const receiver = startProgram(
      RECEIVER,
      `--dir=${to}`,
      "--port=0",
      ...options,
    );
    try {
      const address = await printed(receiver, /receiver on (\S+)\n/);
      await use({ receiver, address, from, to });
    } finally {
      await endProgram(receiver);
    }
  });
}

/** A sender of this test's own, which may do what the program does not. */
async function withSender(
  address: string,
  use: (
    send: (message: object | Uint8Array) => void,
    answer: () => Promise<Record<string, unknown> | undefined>,
  ) => Promise<void>,
): Promise<void> {
  const { handler, listener } = createNode();
  const receiver: Endpoint = handler.network.connect(
    Transport.FramedTcp,
    address,
  );
  const events = listener.enqueue();
  try {
    assert.equal((await events.receive()).type, "connected");
    await use(
      (message) => {
        const data = message instanceof Uint8Array
          ? message
          : JSON.stringify(message);
        assert.equal(handler.network.send(receiver, data), "Sent");
      },
      async () => {
        const event = await events.receive();
        return event.type === "message"
          ? JSON.parse(new TextDecoder().decode(event.data))
          : undefined;
      },
    );
  } finally {
    await handler.stop();
  }
}

for (const size of [0, 1, CHUNK_SIZE, 8_000_001]) {
  test(`A file of ${size} bytes arrives whole, with its checksum verified`, () =>
    withReceiver([], async ({ receiver, address, from, to }) => {
      const content = randomBytes(size);
      await writeFile(join(from, "a file.bin"), content);
      const sender = startProgram(SENDER, join(from, "a file.bin"), address);
      const { code, stdout, stderr } = await sender.done;
      assert.equal(code, 0, stderr);
      assert.match(stdout, /a file\.bin sent, checksum right\n$/);
      if (size > 0) assert.match(stdout, /a file\.bin 100%\n/);
      await receiver.output(/a file\.bin complete, checksum right\n/);
      assert.deepEqual(await readdir(to), ["a file.bin"]);
      const arrived = await readFile(join(to, "a file.bin"));
      assert(arrived.equals(content));
    }));
}

test("Many senders send to one receiver at once", () =>
  withReceiver([], async ({ address, from, to }) => {
    const contents = [1, 2, 3, 4].map((n) => randomBytes(n * 700_000));
    const senders: RunningProcess[] = [];
    for (const [index, content] of contents.entries()) {
      const path = join(from, `${index}.bin`);
      await writeFile(path, content);
      senders.push(startProgram(SENDER, path, address));
    }
    for (const { done } of senders) assert.equal((await done).code, 0);
    for (const [index, content] of contents.entries()) {
      const arrived = await readFile(join(to, `${index}.bin`));
      assert(arrived.equals(content));
    }
    assert.equal((await readdir(to)).length, contents.length);
  }));

test("A receiver refuses a file that it has, and one that is too large", () =>
  withReceiver(["--max-bytes=10"], async ({ address, from, to }) => {
    await writeFile(join(to, "here.txt"), "old");
    await writeFile(join(from, "here.txt"), "new");
    await writeFile(join(from, "large.txt"), "eleven byte");
    for (
      const [name, reason] of [
        ["here.txt", /refused: there is a file of this name/],
        ["large.txt", /refused: the file is too large/],
      ] as const
    ) {
      const sender = startProgram(SENDER, join(from, name), address);
      const { code, stdout } = await sender.done;
      assert.equal(code, 1);
      assert.match(stdout, reason);
    }
    assert.equal(await readFile(join(to, "here.txt"), "utf8"), "old");
    assert.deepEqual(await readdir(to), ["here.txt"]);
  }));

test("A receiver removes the part of a file whose sender vanishes", () =>
  withReceiver([], async ({ receiver, address, to }) => {
    await withSender(address, async (send, answer) => {
      send({ type: "request", name: "half.bin", size: 100_000 });
      assert.deepEqual(await answer(), { type: "accept" });
      send(new Uint8Array(50_000));
      await receiver.output(/half\.bin 50%\n/);
      assert.deepEqual(await readdir(to), [".half.bin.part"]);
    });
    await receiver.output(/half\.bin dropped: the sender has gone/);
    assert.deepEqual(await readdir(to), []);
  }));

test("A receiver removes the part of a file when it ends itself", () =>
  withTempFolder(async (to) => {
    const receiver = startProgram(RECEIVER, `--dir=${to}`, "--port=0");
    const address = await printed(receiver, /receiver on (\S+)\n/);
    await withSender(address, async (send, answer) => {
      send({ type: "request", name: "half.bin", size: 100_000 });
      assert.deepEqual(await answer(), { type: "accept" });
      await endProgram(receiver);
    });
    // Windows ends programs without asking them.
    if (process.platform !== "win32") assert.deepEqual(await readdir(to), []);
  }));

const wrongSteps: readonly {
  readonly name: string;
  readonly steps: readonly (object | Uint8Array)[];
  readonly reason: RegExp;
}[] = [
  { name: "no request", steps: [{ type: "hello" }], reason: /no request/ },
  {
    name: "bytes that are no request",
    steps: [new Uint8Array([0xff, 0])],
    reason: /no request/,
  },
  {
    name: "a size below zero",
    steps: [{ type: "request", name: "x", size: -1 }],
    reason: /no request/,
  },
  {
    name: "more than was announced",
    steps: [{ type: "request", name: "x", size: 2 }, new Uint8Array(3)],
    reason: /more came/,
  },
  {
    name: "a wrong checksum",
    steps: [
      { type: "request", name: "x", size: 2 },
      new Uint8Array(2),
      { type: "checksum", sha256: "00" },
    ],
    reason: /checksum is wrong/,
  },
  {
    name: "no checksum",
    steps: [{ type: "request", name: "x", size: 0 }, { type: "request" }],
    reason: /no checksum/,
  },
  {
    name: "a name that is none",
    steps: [{ type: "request", name: "../..", size: 0 }],
    reason: /name is no good/,
  },
];

test("A receiver keeps nothing of a sender that breaks the protocol, and says why", () =>
  withReceiver([], async ({ address, to }) => {
    for (const { name, steps, reason } of wrongSteps) {
      await withSender(address, async (send, answer) => {
        for (const step of steps) send(step);
        let last = await answer();
        if (last?.["type"] === "accept") last = await answer();
        assert.equal(last?.["type"], "refuse", name);
        assert.match(String(last?.["reason"]), reason, name);
        assert.equal(await answer(), undefined, "the connection ends");
      });
      assert.deepEqual(await readdir(to), [], name);
    }
  }));

test("A file whose name leads out of the folder arrives inside of it", () =>
  withReceiver([], async ({ receiver, address, from, to }) => {
    await withSender(address, async (send, answer) => {
      send({ type: "request", name: "../from/evil.txt", size: 0 });
      assert.deepEqual(await answer(), { type: "accept" });
      send({
        type: "checksum",
        // SHA-256 of nothing.
        sha256:
          "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      });
      assert.deepEqual(await answer(), { type: "done" });
    });
    await receiver.output(/evil\.txt complete/);
    assert.deepEqual(await readdir(from), []);
    assert.deepEqual(await readdir(to), ["evil.txt"]);
  }));

test("A safe name keeps harmless names, and takes the harm out of others", () => {
  for (
    const [given, expected] of [
      ["photo.jpg", "photo.jpg"],
      ["Grüße an alle.txt", "Grüße an alle.txt"],
      ["/etc/passwd", "passwd"],
      ["..\\..\\boot.ini", "boot.ini"],
      ["C:evil.txt", "C_evil.txt"],
      [".bashrc", "bashrc"],
      ["a\0b\u001b[2J", "a_b_[2J"],
      ["name. . ", "name"],
      ["", undefined],
      ["..", undefined],
      ["folder/", undefined],
      ["NUL", undefined],
      ["com1.txt", undefined],
      ["x".repeat(300), undefined],
    ] as const
  ) assert.equal(safeName(given), expected, JSON.stringify(given));
});

test("A safe name is always the name of a file in the folder itself", () => {
  const part = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("..", ".", "/", "\\", "\0", ":", "con", "\u202e", "\ud800"),
  );
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), (parts) => {
      const name = safeName(parts.join(""));
      if (name === undefined) return;
      assert.equal(basename(join("/folder", name)), name);
      assert.doesNotMatch(name, /^\.|[/\\:\0]/);
      assert.equal(safeName(name), name);
    }),
  );
});

test("The programs of the file transfer refuse wrong arguments with a line and status 2", async () => {
  await checkArguments(RECEIVER, [
    { args: ["--port=-1"], says: /--port/ },
    { args: ["--dir=/no/such/folder"], says: /is no folder/ },
    { args: ["--max-bytes=lots"], says: /--max-bytes must be/ },
  ]);
  await checkArguments(SENDER, [
    { args: ["only-a-file"], says: /must be a file and an address/ },
    { args: ["/no/such/file", "127.0.0.1:1"], says: /no such file/i },
    { args: ["deno.json", "nowhere"], says: /nowhere/ },
  ]);
});
