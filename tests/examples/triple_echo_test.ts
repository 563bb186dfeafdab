import assert from "node:assert/strict";
import {
  checkArguments,
  endProgram,
  printed,
  startProgram,
  test,
} from "./_programs.ts";

test(
  "triple_echo: the client gets back all it sent, over each transport",
  async () => {
    const server = startProgram("triple_echo/server.ts", "0");
    for (const transport of ["FramedTcp", "Udp", "Ws"]) {
      const address = await printed(server, new RegExp(`${transport} (\\S+)`));
      const client = startProgram(
        "triple_echo/client.ts",
        transport,
        address,
        "--count",
        "300",
      );
      const { code, stdout, stderr } = await client.done;
      assert.equal(code, 0, stderr);
      assert.match(
        stdout,
        new RegExp(`^${transport} 300 echoed, median round trip [0-9.]+ us`),
      );
    }
    await endProgram(server);
  },
);

test("triple_echo: wrong arguments are told, with exit status 2", async () => {
  await checkArguments("triple_echo/server.ts", [
    { args: ["70000"], says: /the port/ },
    { args: ["1", "2"], says: /one argument/ },
    { args: ["--no-such"], says: /no-such/ },
  ]);
  await checkArguments("triple_echo/client.ts", [
    { args: [], says: /first argument/ },
    { args: ["Tcp", "127.0.0.1:1"], says: /first argument/ },
    { args: ["Ws"], says: /second argument/ },
    { args: ["Udp", "nowhere:99999"], says: /port/ },
    { args: ["Udp", "127.0.0.1:1", "--count", "0"], says: /--count/ },
  ]);
});
