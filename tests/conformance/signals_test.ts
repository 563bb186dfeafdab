import assert from "node:assert/strict";
import { Transport } from "../../mod.ts";
import {
  conforms,
  eventually,
  halfPair,
  isNetworkError,
  turns,
} from "./_nodes.ts";
import { packets } from "./_transports.ts";
import { stopped, virtualTime } from "./_virtual.ts";

const framed = packets[0];
assert(framed !== undefined && framed.adapter === Transport.FramedTcp);

conforms("Signals", "arrive in the order sent", async (world) => {
  const node = world.node();
  for (let n = 0; n < 100; n += 1) node.handler.signals.send(n);
  await node.event("signal", 99);
  assert.deepEqual(node.signals(), [...Array(100).keys()]);
});

conforms("Signals", "are not delivered from inside send", async (world) => {
  const node = world.node();
  node.handler.signals.send("x");
  assert.equal(node.events.length, 0);
  await node.event("signal");
});

conforms(
  "Signals",
  "with priority go first, in order among themselves",
  async (world) => {
    const node = world.node();
    node.handler.signals.send("a");
    node.handler.signals.send("b");
    node.handler.signals.sendWithPriority("first");
    node.handler.signals.sendWithPriority("second");
    await node.event("signal", 3);
    assert.deepEqual(node.signals(), ["first", "second", "a", "b"]);
  },
);

conforms(
  "Signals",
  "priority, then due timers, then the others",
  async (world) => {
    const node = world.idle();
    node.handler.signals.send("plain");
    node.handler.signals.sendWithTimer("timer", 1);
    const set = performance.now();
    node.handler.signals.sendWithPriority("urgent");
    // Not by a timer of the runtime, which may be early after a pause.
    await eventually("its time", () => performance.now() - set > 2);
    node.start();
    await node.event("signal", 2);
    assert.deepEqual(node.signals(), ["urgent", "timer", "plain"]);
  },
);

conforms("Signals", "a timer fires once and not early", async (world) => {
  const node = world.node();
  const start = performance.now();
  node.handler.signals.sendWithTimer("due", 30);
  await node.event("signal");
  // One millisecond for clocks of different grain.
  assert(performance.now() - start >= 29);
  await turns();
  assert.equal(node.events.length, 1);
  assert.equal(node.handler.stats().timers, 0);
});

conforms(
  "Signals",
  "timers fire by deadline, not by creation",
  async (world) => {
    // In real time a pause between two calls would change the order of the deadlines.
    const time = virtualTime();
    const node = world.node("the node", { driver: time.driver });
    const { signals } = node.handler;
    for (const delay of [40, 10, 30, 20, 0]) {
      signals.sendWithTimer(
        delay,
        delay,
      );
    }
    assert.equal(node.handler.stats().timers, 5);
    await time.pass(39);
    assert.deepEqual(node.signals(), [0, 10, 20, 30]);
    await time.pass(2);
    assert.deepEqual(node.signals(), [0, 10, 20, 30, 40]);
    await stopped(time, node);
  },
);

conforms(
  "Signals",
  "timers of one delay fire in the order of creation, none lost",
  async (world) => {
    const node = world.node();
    for (let n = 0; n < 1_000; n += 1) node.handler.signals.sendWithTimer(n, 5);
    await node.event("signal", 999);
    assert.deepEqual(node.signals(), [...Array(1_000).keys()]);
  },
);

conforms("Signals", "a cancelled timer never fires", async (world) => {
  const node = world.node();
  const { signals } = node.handler;
  const first = signals.sendWithTimer("cancelled", 5);
  const second = signals.sendWithTimer("kept", 5);
  assert.notEqual(first, second);
  assert.equal(signals.cancelTimer(first), true);
  assert.equal(signals.cancelTimer(first), false);
  await node.event("signal");
  await turns();
  assert.deepEqual(node.signals(), ["kept"]);
  assert.equal(signals.cancelTimer(second), false, "it was received");
});

conforms(
  "Signals",
  "a timer that is due but not received can be cancelled",
  async (world) => {
    const node = world.idle();
    const timer = node.handler.signals.sendWithTimer("due", 0);
    await new Promise<void>((resolve) => setTimeout(resolve, 5));
    assert.equal(node.handler.signals.cancelTimer(timer), true);
    node.start();
    await turns();
    assert.equal(node.events.length, 0);
  },
);

conforms(
  "Signals",
  "a callback may set a timer again, and again",
  async (world) => {
    const node = world.node();
    node.onEvent = () => {
      if (node.events.length < 5) node.handler.signals.sendWithTimer("tick", 1);
    };
    node.handler.signals.sendWithTimer("tick", 1);
    await node.event("signal", 4);
  },
);

conforms(
  "Signals",
  "a timer set while others wait is not held up by them",
  async (world) => {
    const node = world.node();
    node.handler.signals.sendWithTimer("late", 60_000);
    node.handler.signals.sendWithTimer("soon", 1);
    const { signal } = await node.event("signal");
    assert.equal(signal, "soon");
  },
);

conforms(
  "Signals",
  "a delay above 2^31 ms does not fire at once",
  async (world) => {
    const node = world.node();
    node.handler.signals.sendWithTimer("in 115 days", 1e10);
    await turns(10);
    assert.equal(node.events.length, 0);
    assert.equal(node.handler.stats().timers, 1);
  },
);

conforms(
  "Signals",
  "a delay that is negative or not finite is an invalid-option",
  (world) => {
    const node = world.node();
    for (const delay of [-1, NaN, Infinity, -Infinity]) {
      assert.throws(
        () => node.handler.signals.sendWithTimer("x", delay),
        isNetworkError("invalid-option", /delayMs/),
      );
    }
    assert.equal(node.handler.stats().timers, 0);
  },
);

conforms(
  "Signals",
  "after a stop are ignored, and timers with them",
  async (world) => {
    const node = world.node();
    node.handler.signals.sendWithTimer("timer", 1);
    node.handler.signals.send("queued");
    await node.handler.stop();
    node.handler.signals.send("late");
    node.handler.signals.sendWithPriority("late");
    const timer = node.handler.signals.sendWithTimer("late", 0);
    assert.equal(node.handler.signals.cancelTimer(timer), false);
    await turns();
    assert.equal(node.events.length, 0);
    assert.equal(node.handler.stats().timers, 0);
  },
);

conforms(
  "Signals",
  "sent before the listener is consumed wait for it",
  async (world) => {
    const node = world.idle();
    node.handler.signals.send("early");
    assert.equal(node.handler.stats().queuedSignals, 1);
    node.start();
    assert.equal((await node.event("signal")).signal, "early");
    assert.equal(node.handler.stats().queuedSignals, 0);
  },
);

conforms(
  "Signals",
  "sent from a callback come after it has returned",
  async (world) => {
    const node = world.node();
    node.onEvent = () => {
      if (node.events.length < 3) {
        node.handler.signals.send("next");
        assert.equal(node.events.length < 4, true);
      }
    };
    node.handler.signals.send("first");
    await node.event("signal", 2);
    assert.deepEqual(node.signals(), ["first", "next", "next"]);
  },
);

conforms(
  "Signals",
  "that send signals without end do not starve the network",
  async (world) => {
    const { server, client, toServer } = await halfPair(world, framed);
    let isOver = false;
    server.onEvent = (event) => {
      if (event.type === "signal" && !isOver) {
        server.handler.signals.send(
          "more",
        );
      }
      if (event.type === "message") {
        server.network.send(event.endpoint, event.data);
      }
    };
    server.handler.signals.send("more");
    for (let n = 1; n <= 50; n += 1) {
      client.network.send(toServer, "ping");
      await client.messages(n);
    }
    isOver = true;
    assert(server.all("signal").length > 50);
  },
);

conforms(
  "Signals",
  "that send signals without end do not starve timers",
  async (world) => {
    const node = world.node();
    let isOver = false;
    node.onEvent = (event) => {
      if (event.type !== "signal" || isOver) return;
      if (event.signal === "timer") isOver = true;
      else node.handler.signals.send("more");
    };
    node.handler.signals.sendWithTimer("timer", 20);
    node.handler.signals.send("more");
    await node.until("the timer", () => isOver);
  },
);

conforms("Signals", "do not starve the runtime's own timers", async (world) => {
  const node = world.node();
  // Had they starved it, the timer of this test's own time would not come either.
  const enough = 1_000_000;
  let isOver = false;
  node.onEvent = () => {
    if (!isOver && node.events.length < enough) {
      node.handler.signals.send("more");
    }
  };
  node.handler.signals.send("more");
  for (let timers = 0; timers < 3 && node.events.length < enough;) {
    const seen = node.events.length;
    await new Promise<void>((resolve) => setTimeout(resolve, 1));
    if (node.events.length > seen) timers += 1;
  }
  isOver = true;
  assert(node.events.length < enough);
});

conforms("Signals", "are not starved by network traffic", async (world) => {
  const { server, client, toServer } = await halfPair(world, framed);
  let isOver = false;
  const traffic = (async () => {
    while (!isOver) {
      for (let n = 0; n < 2_000; n += 1) client.network.send(toServer, "x");
      await client.network.writable(toServer);
      await new Promise<void>((resolve) => setTimeout(resolve, 0));
    }
  })();
  await server.messages(1);
  for (let n = 0; n < 20; n += 1) {
    server.handler.signals.send(n);
    await server.event("signal", n);
  }
  isOver = true;
  await traffic;
  assert.deepEqual(server.signals(), [...Array(20).keys()]);
});

conforms(
  "Signals",
  "to oneself and messages to oneself never meet in one callback",
  async (world) => {
    const node = world.node();
    const listening = await node.listen(framed);
    const toServer = node.connect(framed, listening);
    await node.event("connected");
    let depth = 0;
    let deepest = 0;
    node.onEvent = (event) => {
      depth += 1;
      deepest = Math.max(deepest, depth);
      if (node.events.length < 500) {
        node.handler.signals.send("s");
        if (event.type === "message" || event.type === "accepted") {
          node.network.send(toServer, "m");
          node.network.send(event.endpoint, "m");
        }
      }
      depth -= 1;
    };
    node.network.send(toServer, "m");
    node.handler.signals.send("s");
    await node.until("500 events", () => node.events.length >= 500);
    assert.equal(deepest, 1);
  },
);
