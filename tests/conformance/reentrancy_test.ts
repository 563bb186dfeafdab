/** No call of the program's own is what its callback runs inside of. */
import assert from "node:assert/strict";
import { conformsOn, pattern, turns } from "./_nodes.ts";
import { transports } from "./_transports.ts";

conformsOn(
  transports,
  "no event comes from inside a call, however much it sends or ends",
  async (world, row) => {
    const node = world.node();
    let call = "";
    const inside: string[] = [];
    node.onEvent = (event) => {
      if (call !== "") inside.push(`${event.type} inside ${call}`);
    };
    const during = <Result>(name: string, run: () => Result): Result => {
      call = name;
      try {
        return run();
      } finally {
        call = "";
      }
    };
    const { network, signals } = node.handler;
    const listening = await during("listen", () => node.listen(row));
    // To itself: what the node sends comes back to the same callback.
    const connect = () => node.connect(row, listening);
    const first = during("connect", connect);
    const second = during("connect", connect);
    await node.event("connected", 1);
    if (row.isOriented) await node.event("accepted", 1);
    const large = pattern(row.isReliable ? 300_000 : 10_000);
    for (const data of ["small", large]) {
      during("send", () => network.send(first, data));
      during("sendAll", () => network.sendAll([first, second], data));
    }
    during("signals.send", () => signals.send("a"));
    during("signals.sendWithPriority", () => signals.sendWithPriority("b"));
    during("signals.sendWithTimer", () => signals.sendWithTimer("c", 0));
    await node.event("signal", 2);
    await node.received(3 * (5 + large.length));
    during("send", () => network.send(second, large));
    during("remove", () => node.remove(second.resourceId));
    await turns();
    const removeListener = () => node.remove(listening.resourceId);
    during("remove of the listener", removeListener);
    await turns();
    during("send", () => network.send(first, large));
    await during("stop", () => node.handler.stop());
    assert.deepEqual(inside, []);
  },
);
