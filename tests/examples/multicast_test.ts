import assert from "node:assert/strict";
import { createNode, Transport } from "../../mod.ts";
import { checkArguments, endProgram, startProgram, test } from "./_programs.ts";

const PEER = "multicast/peer.ts";

interface Group {
  readonly name: string;
  /** Waits for something that somebody says to it. */
  heard(): Promise<void>;
}

/** A group of this test's own, which has joined it: so nobody else is given its port. */
async function withGroup(use: (group: Group) => Promise<void>): Promise<void> {
  const { handler, listener } = createNode();
  const events = listener.enqueue();
  try {
    const { address } = await handler.network.listen(
      Transport.Udp,
      "239.255.0.1:0",
      { multicastInterface: "127.0.0.1" },
    );
    await use({
      name: `239.255.0.1:${address.port}`,
      heard: async () => {
        assert.equal((await events.receive()).type, "message");
      },
    });
  } finally {
    await handler.stop();
  }
}

test("Multicast peers hear of each newcomer once and greet it, and it hears of them", () =>
  withGroup(async ({ name, heard }) => {
    const group = ["--group", name, "--interface=127.0.0.1"];
    // One announcement, before anybody else is there: only a greeting can tell of this peer.
    const alice = startProgram(
      PEER,
      "alice",
      ...group,
      "--announce-ms=1000000",
    );
    await heard();
    const bob = startProgram(PEER, "bob", ...group, "--announce-ms=50");
    await alice.output(/bob is at \S+:\d+: I greet it\n/);
    await bob.output(/alice greets me from \S+:\d+\n/);
    const carol = startProgram(PEER, "carol", ...group, "--announce-ms=50");
    await alice.output(/carol is at/);
    await bob.output(/carol (?:is at|greets me)/);
    await carol.output(/alice greets me/);
    await carol.output(/bob (?:is at|greets me)/);
    for (const peer of [alice, bob, carol]) await endProgram(peer);
    const { stdout } = await alice.done;
    assert.equal(
      stdout.match(/^(?:bob|carol) (?:is at|greets me)/gm)?.length,
      2,
    );
  }));

test("A multicast peer takes no notice of what is not of its protocol", () =>
  withGroup(async ({ name: group }) => {
    const options = ["--group", group, "--interface=127.0.0.1"];
    const { handler } = createNode();
    const alice = startProgram(PEER, "alice", ...options, "--announce-ms=50");
    try {
      await alice.output(/alice listens/);
      const stranger = await handler.network.connectAsync(
        Transport.Udp,
        group,
        {
          multicastInterface: "127.0.0.1",
        },
      );
      const id = crypto.randomUUID();
      for (
        const garbage of [
          "",
          "{",
          "null",
          "[]",
          JSON.stringify({ type: "announcement", id, name: "\u001b[2J" }),
          JSON.stringify({ type: "announcement", id: 7, name: "seven" }),
        ]
      ) handler.network.send(stranger, garbage);
      const bob = startProgram(PEER, "bob", ...options, "--announce-ms=50");
      await alice.output(/bob (?:is at|greets me)/);
      await endProgram(bob);
    } finally {
      await handler.stop();
      await endProgram(alice);
    }
    const { stdout, stderr } = await alice.done;
    assert.equal(stderr, "");
    assert.equal(stdout.trimEnd().split("\n").length, 2, stdout);
  }));

test("A multicast peer ends by itself after the time that it was given", () =>
  withGroup(async ({ name: group }) => {
    const { code, stderr } = await startProgram(
      PEER,
      "dora",
      `--group=${group}`,
      "--interface=127.0.0.1",
      "--seconds=1",
    ).done;
    assert.equal(code, 0, stderr);
  }));

test("The multicast peer refuses wrong arguments with a line and status 2", async () => {
  await checkArguments(PEER, [
    { args: [], says: /first argument must be a name/ },
    { args: ["a b"], says: /first argument must be a name/ },
    { args: ["x", "--group=10.0.0.1:5"], says: /--group must be a multicast/ },
    { args: ["x", "--seconds=soon"], says: /--seconds must be/ },
    { args: ["x", "--group=239.255.0.1"], says: /port is missing/ },
  ]);
});
