/**
 * The listener of a simulated node: its failures are the simulation's.
 *
 * @module
 */

import type { NodeEvent } from "../node/events.ts";
import { NodeListener } from "../node/listener.ts";
import type { NodeTask } from "../node/task.ts";

/** A listener whose task may fail without anybody awaiting it: the simulation tells of the failure. */
export class WatchedListener<Signal> extends NodeListener<Signal> {
  override forEach(callback: (event: NodeEvent<Signal>) => void): NodeTask {
    const task = super.forEach(callback);
    task.wait().catch(() => {});
    return task;
  }
}
