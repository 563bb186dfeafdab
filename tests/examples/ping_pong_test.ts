import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { createNode, Transport } from "../../mod.ts";
import { withTempFolder } from "../_support.ts";
import {
  checkArguments,
  endProgram,
  printed,
  startProgram,
  test,
} from "./_programs.ts";

const SERVER = "ping_pong/server.ts";
const CLIENT = "ping_pong/client.ts";

const onPorts = ["tcp", "framed_tcp", "udp", "ws"];
const onPaths = process.platform === "win32" ? [] : ["unix", "framed_unix"];

for (const transport of [...onPorts, ...onPaths]) {
  test(`Ping-pong counts and answers the pings of a client over ${transport}`, () =>
    withTempFolder(async (folder) => {
      const place = onPorts.includes(transport) ? "0" : join(folder, "s");
      const server = startProgram(SERVER, transport, place);
      try {
        const address = await printed(server, /server on (\S+)\n/);
        const client = startProgram(
          CLIENT,
          transport,
          address,
          "--interval-ms=10",
          "--count=3",
        );
        const { code, stdout, stderr } = await client.done;
        assert.equal(code, 0, stderr);
        const answers = stdout.trimEnd().split("\n").slice(1);
        if (transport === "udp") {
          assert.deepEqual(
            answers,
            Array(3).fill("the server says: unknown pong"),
          );
        } else {
          assert.deepEqual(
            answers,
            [1, 2, 3].map((count) => `the server says: pong ${count}`),
          );
          await server.output(/ connected, clients: 1\n/);
          await server.output(/ disconnected \(closed\), clients: 0\n/);
        }
      } finally {
        await endProgram(server);
      }
    }));
}

test("The server of ping-pong counts each client apart, and tells their number", async () => {
  const server = startProgram(SERVER, "framed_tcp", "0");
  try {
    const address = await printed(server, /server on (\S+)\n/);
    const patient = startProgram(CLIENT, "framed_tcp", address);
    await patient.output(/pong 1\n/);
    const second = startProgram(
      CLIENT,
      "framed_tcp",
      address,
      "--interval-ms=10",
      "--count=2",
    );
    const { stdout } = await second.done;
    assert.match(stdout, /pong 1\n.*pong 2\n/);
    await server.output(/ connected, clients: 2\n/);
    await server.output(/ disconnected \(closed\), clients: 1\n/);
    await endProgram(patient);
    await server.output(/ disconnected \(closed\), clients: 0\n/);
  } finally {
    await endProgram(server);
  }
});

test("The server of ping-pong puts pings together that the stream has cut, and ends who says anything else", async () => {
  const server = startProgram(SERVER, "tcp", "0");
  const { handler, listener } = createNode();
  try {
    const address = await printed(server, /server on (\S+)\n/);
    const peer = await handler.network.connectAsync(Transport.Tcp, address);
    handler.network.send(peer, "pi");
    handler.network.send(peer, "ng\nping\n");
    handler.network.send(peer, "GET / HTTP/1.1\r\n");
    let answers = "";
    for await (const event of listener) {
      if (event.type === "message") {
        answers += new TextDecoder().decode(event.data);
      }
      if (event.type === "disconnected") break;
    }
    assert.equal(answers, "pong 1\npong 2\n");
    await server.output(/ refused .*clients: 0\n/);
  } finally {
    await handler.stop();
    await endProgram(server);
  }
});

test("The client of ping-pong ends with status 1 when the server leaves, and when there is none", async () => {
  const server = startProgram(SERVER, "framed_tcp", "0");
  const address = await printed(server, /server on (\S+)\n/);
  const client = startProgram(CLIENT, "framed_tcp", address);
  await client.output(/pong 1\n/);
  await endProgram(server);
  const left = await client.done;
  assert.equal(left.code, 1);
  assert.match(left.stderr, /^the server left: closed\n$/);
  // Nobody listens there, nor is it given to anybody who asks for any port.
  const alone = await startProgram(CLIENT, "framed_tcp", "127.0.0.1:1").done;
  assert.equal(alone.code, 1);
  assert.match(alone.stderr, /refused/i);
});

test("The programs of ping-pong refuse wrong arguments with a line and status 2", async () => {
  await checkArguments(SERVER, [
    { args: [], says: /first argument must be one of tcp, framed_tcp/ },
    { args: ["tcp", "70000"], says: /port must be a whole number/ },
    { args: ["tcp", "0", "--fast"], says: /--fast/ },
  ]);
  await checkArguments(CLIENT, [
    { args: ["carrier_pigeon", "x"], says: /first argument must be one of/ },
    { args: ["tcp"], says: /second argument must be an address/ },
    { args: ["tcp", "nowhere"], says: /address nowhere|use nowhere/ },
    { args: ["tcp", "h:1", "--count=0"], says: /--count must be/ },
  ]);
});
