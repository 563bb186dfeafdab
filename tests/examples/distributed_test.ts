import assert from "node:assert/strict";
import { createDiscoveryServer } from "../../examples/distributed/create_discovery_server.ts";
import { createParticipant } from "../../examples/distributed/create_participant.ts";
import type { Participant } from "../../examples/distributed/create_participant.ts";
import { createNode, formatAddress, Transport } from "../../mod.ts";
import {
  checkArguments,
  endProgram,
  printed,
  startProgram,
  test,
} from "./_programs.ts";

const SERVER = "distributed/discovery_server.ts";
const PARTICIPANT = "distributed/participant.ts";

test("The participants of the distributed network meet, greet, and hear of who leaves", async () => {
  const server = startProgram(SERVER, "--port=0");
  const address = await printed(server, /server on (\S+)\n/);
  const join = (name: string) =>
    startProgram(PARTICIPANT, name, `--discovery=${address}`);
  const alice = join("alice");
  await alice.output(/registered; 0 others/);
  const bob = join("bob");
  await bob.output(/registered; 1 others/);
  await alice.output(/bob came\n/);
  await alice.output(/bob greets: Hello alice, I am bob\n/);
  await bob.output(/alice greets: Hello bob, I am alice\n/);

  const impostor = join("bob");
  const refused = await impostor.done;
  assert.equal(refused.code, 1);
  assert.match(refused.stdout, /refuses: the name bob is taken\n/);

  await endProgram(bob);
  await server.output(/bob removed: 1\n/);
  await alice.output(/bob left\n/);

  const crashing = join("carol");
  await alice.output(/carol came\n/);
  await crashing.stop("SIGKILL");
  await alice.output(/carol left\n/);

  await endProgram(server);
  const { code, stdout } = await alice.done;
  assert.equal(code, 1);
  assert.match(stdout, /the discovery server is gone: closed\n$/);
});

test("Ten participants of the distributed network in one process all greet each other", async () => {
  const central = createNode();
  const discovery = await createDiscoveryServer(
    central.handler,
    central.listener,
    "127.0.0.1:0",
    () => {},
  );
  const names = Array.from({ length: 10 }, (_, index) => `p${index}`);
  const participants: Participant[] = [];
  let greetings = 0;
  await new Promise<void>((resolve, reject) => {
    const say = (line: string) => {
      if (line.includes(" greets: ")) greetings += 1;
      if (greetings === 90) resolve();
    };
    const joinAll = names.map(async (name) => {
      const { handler, listener } = createNode();
      participants.push(
        await createParticipant(handler, listener, name, {
          discovery: formatAddress(discovery.address),
          listenOn: "127.0.0.1:0",
          say,
        }),
      );
    });
    Promise.all(joinAll).catch(reject);
  });
  for (const { peers, greetedBy } of participants) {
    assert.equal(peers.size, 9);
    assert.equal(greetedBy.size, 9);
  }
  const [first, ...others] = participants;
  await first?.leave();
  assert.equal(await first?.ended, "left");
  await central.handler.stop();
  await discovery.task;
  for (const { ended } of others) assert.equal(await ended, "discovery lost");
});

test("The discovery server removes who speaks something else, and goes on", async () => {
  const central = createNode();
  const { address } = await createDiscoveryServer(
    central.handler,
    central.listener,
    "127.0.0.1:0",
    () => {},
  );
  for (
    const garbage of [
      "",
      "{",
      "7",
      '{"type":"register"}',
      '{"type":"register","contact":{"name":"\\u001b[2J","address":"x"}}',
      new Uint8Array([0xff, 0xfe]),
      "x".repeat(5_000),
    ]
  ) {
    const { handler, listener } = createNode();
    const server = handler.network.connect(Transport.FramedTcp, address);
    const seen: string[] = [];
    await listener.forEach((event) => {
      seen.push(event.type);
      if (event.type === "connected") handler.network.send(server, garbage);
      if (event.type === "disconnected") void handler.stop();
    });
    assert.deepEqual(seen, ["connected", "disconnected"]);
  }
  assert(central.handler.isRunning);
  await central.handler.stop();
});

test("A participant ends with status 1 when there is no discovery server", async () => {
  const { code, stdout } = await startProgram(
    PARTICIPANT,
    "dora",
    // Nobody listens there, nor is it given to anybody who asks for any port.
    "--discovery=127.0.0.1:1",
  ).done;
  assert.equal(code, 1);
  assert.match(stdout, /refused/i);
});

test("The programs of the distributed network refuse wrong arguments with a line and status 2", async () => {
  await checkArguments(SERVER, [
    { args: ["--port=x"], says: /--port must be a whole number/ },
    { args: ["now"], says: /now/ },
  ]);
  await checkArguments(PARTICIPANT, [
    { args: [], says: /first argument must be a name/ },
    { args: ["a b"], says: /first argument must be a name/ },
    { args: ["a", "--discovery=nowhere"], says: /nowhere/ },
  ]);
});
