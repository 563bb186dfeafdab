/**
 * A worker for the tests of the worker port: `workerData` says what it does.
 *
 * @module
 */

import { parentPort, workerData } from "node:worker_threads";
import {
  linkThread,
  WorkerPort,
} from "../../../examples/worker_port/worker_port.ts";
import { createNode } from "../../../mod.ts";

if (parentPort === null) throw new Error("a test starts this program");
const link = linkThread("main", parentPort);
const { handler, listener } = createNode();
const { network } = handler;

const task = listener.forEach((event) => {
  switch (event.type) {
    case "message":
      network.send(event.endpoint, event.data, {
        text: event.isText,
        tag: event.tag,
      });
      break;
    case "connected":
      if (!event.ok) throw event.error;
      for (const text of ["one", "two", "three"]) {
        network.send(event.endpoint, text);
      }
      if (workerData === "leave") void handler.stop();
      break;
    case "disconnected":
      void handler.stop();
      break;
  }
});

if (workerData === "echo") {
  await network.listen(WorkerPort, { path: "echo" });
  parentPort.postMessage("listening");
} else network.connect(WorkerPort, { path: "main/tests" });

await task;
link.close();
