/**
 * An echo server for the page, on the runtime that runs it. Prints its port; a
 * text message "close" makes it end the connection.
 */
import process from "node:process";
import { createNode, Transport } from "../../mod.ts";

const decoder = new TextDecoder();
const { handler, listener } = createNode();
const { network } = handler;
const { address } = await network.listen(Transport.Ws, "127.0.0.1:0");
console.log(`port ${address.port}`);

process.stdin.on("end", () => void handler.stop()).resume();

await listener.forEach((event) => {
  if (event.type !== "message") return;
  if (event.isText && decoder.decode(event.data) === "close") {
    network.remove(event.endpoint.resourceId, { drain: true });
  } else {
    network.send(event.endpoint, event.data);
  }
});
