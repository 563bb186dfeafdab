import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { get } from "node:http";
import {
  createNode,
  type NodeReceiver,
  type SendStatus,
  Transport,
} from "../../mod.ts";
import { projectFolder, type RunningProcess } from "../_support.ts";
import {
  checkArguments,
  endProgram,
  printed,
  startProgram,
  test,
} from "./_programs.ts";

const SERVER = "chat/server.ts";
const CLIENT = "chat/client.ts";

interface Chat {
  readonly server: RunningProcess;
  /** Where terminals connect. */
  readonly terminals: string;
  /** Where WebSockets connect. */
  readonly browsers: string;
  readonly page: string;
}

async function withChat(use: (chat: Chat) => Promise<void>): Promise<void> {
  const server = startProgram(
    SERVER,
    "--port=0",
    "--ws-port=0",
    "--page-port=0",
  );
  try {
    await use({
      server,
      terminals: await printed(server, /terminals on (\S+)\n/),
      browsers: await printed(server, /browsers on (\S+)\n/),
      page: await printed(server, /page on (\S+)\n/),
    });
  } finally {
    await endProgram(server);
  }
}

/** One who chats over WebSocket, as a browser does. */
class WebSocketChatter {
  readonly #node = createNode();
  readonly #events: NodeReceiver<never> = this.#node.listener.enqueue();
  readonly #server;

  constructor(address: string, origin?: string) {
    this.#server = this.#node.handler.network.connect(
      Transport.Ws,
      address,
      origin === undefined ? {} : { origin },
    );
  }

  /** The next event: a message in the protocol's words, or the type and reason of another event. */
  async next(): Promise<unknown> {
    const event = await this.#events.receive();
    if (event.type === "connected") return event.ok ? "connected" : event.error;
    if (event.type === "disconnected") return `disconnected ${event.reason}`;
    assert(event.type === "message" && event.isText);
    return JSON.parse(new TextDecoder().decode(event.data));
  }

  send(message: object | string): SendStatus {
    return this.#node.handler.network.send(
      this.#server,
      typeof message === "string" ? message : JSON.stringify(message),
    );
  }

  stop(): Promise<void> {
    return this.#node.handler.stop({ drain: 1_000 });
  }
}

test("Terminals and a WebSocket chat through one node, and hear who comes and goes", () =>
  withChat(async ({ server, terminals, browsers }) => {
    const alice = startProgram(CLIENT, "alice", terminals);
    await alice.output(/You are in, with nobody\n/);
    const bob = startProgram(CLIENT, "bob", terminals);
    await bob.output(/You are in, with alice\n/);
    await alice.output(/bob has joined\n/);

    const carol = new WebSocketChatter(browsers);
    assert.equal(await carol.next(), "connected");
    carol.send({ type: "join", name: "carol" });
    assert.deepEqual(await carol.next(), {
      type: "welcome",
      names: ["alice", "bob"],
    });
    await alice.output(/carol has joined\n/);

    alice.write("hello, <b>all</b>\n");
    await bob.output(/alice: hello, <b>all<\/b>\n/);
    assert.deepEqual(await carol.next(), {
      type: "said",
      name: "alice",
      text: "hello, <b>all</b>",
    });
    carol.send({ type: "say", text: "hello from afar" });
    await alice.output(/carol: hello from afar\n/);
    await bob.output(/carol: hello from afar\n/);
    assert.deepEqual(await carol.next(), {
      type: "said",
      name: "carol",
      text: "hello from afar",
    });

    bob.child.stdin?.end();
    assert.equal((await bob.done).code, 0);
    assert.deepEqual(await carol.next(), { type: "left", name: "bob" });
    await carol.stop();
    await alice.output(/carol has left\n/);
    await server.output(/carol left \(closed\): 1\n/);
    alice.child.stdin?.end();
    assert.equal((await alice.done).code, 0);
  }));

test("A chat refuses a name that is taken, and what is not of its protocol", () =>
  withChat(async ({ terminals, browsers }) => {
    const alice = startProgram(CLIENT, "alice", terminals);
    await alice.output(/You are in/);
    const impostor = await startProgram(CLIENT, "alice", terminals).done;
    assert.equal(impostor.code, 1);
    assert.match(impostor.stderr, /The name alice is taken\n/);

    const stranger = new WebSocketChatter(browsers);
    assert.equal(await stranger.next(), "connected");
    for (
      const [message, reason] of [
        [{ type: "say", text: "hi" }, /not in/],
        ["", /no message/],
        ["null", /no message/],
        [{ type: "join", name: "<b>" }, /a name has/],
        [{ type: "join", name: "alice" }, /taken/],
        [{ type: "say", text: "\u001b[2J" }, /a text has/],
        [{ type: "say", text: "x".repeat(501) }, /a text has/],
      ] as const
    ) {
      stranger.send(message);
      const answer = await stranger.next();
      assert.match(JSON.stringify(answer), /^{"type":"refused"/);
      assert.match(JSON.stringify(answer), reason);
    }
    stranger.send("x".repeat(4_097));
    assert.match(String(await stranger.next()), /^disconnected /);
    await stranger.stop();
    alice.child.stdin?.end();
    const { code, stdout } = await alice.done;
    assert.equal(code, 0);
    assert.equal(stdout, "You are in, with nobody\n");
  }));

test("A chat takes WebSockets from its own page and from programs, and from no other page", () =>
  withChat(async ({ browsers, page }) => {
    const own = new WebSocketChatter(browsers, new URL(page).origin);
    assert.equal(await own.next(), "connected");
    await own.stop();
    for (
      const origin of ["http://127.0.0.1:1", "https://evil.example", "null"]
    ) {
      const other = new WebSocketChatter(browsers, origin);
      assert(await other.next() instanceof Error, origin);
      await other.stop();
    }
  }));

interface Answer {
  readonly status: number | undefined;
  readonly type: string | undefined;
  readonly body: string;
}

function fetchText(url: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    // Not `fetch`, which keeps its connection open beyond the test.
    get(url, { agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8")
        .on("data", (text: string) => body += text)
        .on("end", () =>
          resolve({
            status: response.statusCode,
            type: response.headers["content-type"],
            body,
          }));
    }).on("error", reject);
  });
}

test("A chat serves its page, which knows where the WebSockets are", () =>
  withChat(async ({ browsers, page }) => {
    const html = await fetchText(page);
    assert.equal(html.status, 200);
    assert.equal(html.type, "text/html; charset=utf-8");
    assert.match(
      html.body,
      new RegExp(`data-ws-port="${new URL(browsers).port}"`),
    );
    const script = await fetchText(`${page}page.js`);
    assert.equal(script.type, "text/javascript; charset=utf-8");
    for (const path of ["server.ts", "..%2f_arguments.ts", "page.html"]) {
      assert.equal((await fetchText(`${page}${path}`)).status, 404);
    }
  }));

/** What the script of the page uses of an element: setting anything else but text is a fault. */
class FakeElement {
  textContent = "";
  className = "";
  value = "";
  placeholder = "";
  readonly children: FakeElement[] = [];
  readonly #handlers = new Map<string, (event: object) => void>();

  constructor() {
    Object.seal(this);
  }

  append(child: FakeElement): void {
    this.children.push(child);
  }

  addEventListener(type: string, handler: (event: object) => void): void {
    this.#handlers.set(type, handler);
  }

  dispatch(type: string, event: object): void {
    this.#handlers.get(type)?.(event);
  }
}

test("The page of the chat joins, says, and shows what others write as text", async () => {
  const script = await readFile(
    `${projectFolder}/examples/chat/page.js`,
    "utf8",
  );
  const elements = new Map(
    ["lines", "form", "input"].map((id) => [id, new FakeElement()]),
  );
  const sent: unknown[] = [];
  const socket = new FakeElement();
  const url = await new Promise<string>((resolve) => {
    const run = new Function("document", "location", "WebSocket", script);
    run(
      {
        body: { dataset: { wsPort: "3051" } },
        getElementById: (id: string) => elements.get(id),
        createElement: () => new FakeElement(),
      },
      { hostname: "chat.example" },
      function (url: string) {
        resolve(url);
        return {
          readyState: 1,
          addEventListener: socket.addEventListener.bind(socket),
          send: (text: string) => sent.push(JSON.parse(text)),
        };
      },
    );
  });
  assert.equal(url, "ws://chat.example:3051");
  const input = elements.get("input");
  const form = elements.get("form");
  assert(input !== undefined && form !== undefined);
  const enter = (text: string) => {
    input.value = text;
    form.dispatch("submit", { preventDefault() {} });
  };
  const hear = (message: object) =>
    socket.dispatch("message", { data: JSON.stringify(message) });
  enter(" dora ");
  hear({ type: "welcome", names: ["alice"] });
  enter("hello");
  enter("   ");
  assert.deepEqual(sent, [
    { type: "join", name: "dora" },
    { type: "say", text: "hello" },
  ]);
  const attack = "<img src=x onerror=alert(1)>";
  hear({ type: "said", name: "alice", text: attack });
  hear({ type: "joined", name: "bob" });
  hear({ type: "left", name: "bob" });
  hear({ type: "refused", reason: "no" });
  socket.dispatch("close", {});
  assert.deepEqual(
    elements.get("lines")?.children.map((it) => it.textContent),
    [
      "You are in, with alice",
      `alice: ${attack}`,
      "bob has joined",
      "bob has left",
      "no",
      "The connection has ended: reload the page to come back",
    ],
  );
});

test("The programs of the chat refuse wrong arguments with a line and status 2", async () => {
  await checkArguments(SERVER, [
    { args: ["--port=x"], says: /--port must be a whole number/ },
    { args: ["--host=no.such.host.invalid"], says: /no\.such\.host\.invalid/ },
  ]);
  await checkArguments(CLIENT, [
    { args: [], says: /first argument must be a name/ },
    { args: ["alice"], says: /second argument must be an address/ },
    { args: ["alice", "nowhere"], says: /nowhere/ },
  ]);
});
