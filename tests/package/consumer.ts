/** Must compile as it is in a project where the package is installed; it is not run. */
import {
  createNode,
  type Endpoint,
  type NetworkError,
  type NetworkErrorCode,
  type NodeEvent,
  type ResourceId,
  SendStatus,
  Transport,
} from "signalbox";
import { framedTcp } from "signalbox/framed_tcp";
import { Tcp } from "signalbox/tcp";
import { simulate, type SimulationResult } from "signalbox/testing";

type Signal = { readonly greet: string };

const { handler, listener } = createNode<Signal>();

export async function serve(): Promise<ResourceId> {
  const { resourceId, address } = await handler.network.listen(
    Transport.FramedTcp,
    "127.0.0.1:0",
  );
  const port: number = address.port;
  const endpoint: Endpoint = handler.network.connect(Tcp, {
    hostname: "127.0.0.1",
    port,
  });
  const status: SendStatus = handler.network.send(endpoint, new Uint8Array(1));
  if (status === SendStatus.ResourceNotAvailable) {
    handler.signals.sendWithTimer({ greet: "later" }, 10);
  }
  // @ts-expect-error: a signal of another type
  handler.signals.send(42);
  // @ts-expect-error: a transport is a value, not a name
  handler.network.connect("Tcp", "127.0.0.1:1");
  return resourceId;
}

export function run(): PromiseLike<void> {
  return listener.forEach((event) => handle(event));
}

function handle(event: NodeEvent<Signal>): void {
  switch (event.type) {
    case "message":
      handler.network.send(event.endpoint, event.data);
      break;
    case "signal":
      console.log(event.signal.greet);
      break;
    case "connected":
      if (!event.ok) explain(event.error);
      break;
    case "accepted":
    case "disconnected":
      break;
    default: {
      const never: never = event;
      throw never;
    }
  }
}

function explain(error: NetworkError): NetworkErrorCode {
  return error.code;
}

export const transport: typeof Transport.FramedTcp = framedTcp();

export function test(): Promise<SimulationResult<number>> {
  return simulate({ seed: 1, link: { lossRate: 0.1 } }, async (simulation) => {
    const { handler } = simulation.host("a").createNode<Signal>();
    handler.signals.send({ greet: "simulated" });
    await simulation.advance(10);
    return simulation.now();
  });
}
