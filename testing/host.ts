/**
 * The hosts of a simulation, and the programs on them.
 *
 * @module
 */

import type { NodeOptions } from "../node/node.ts";
import type { NodePair } from "../node/node_pair.ts";
import type { Driver } from "../runtime/driver.ts";
import type { Kernel } from "./_kernel.ts";
import { Life } from "./_life.ts";
import type { SimulationRandom } from "./random.ts";

/** Options of {@linkcode HostProcess.createNode}: those of `createNode`, but the driver, which is the host's. */
export type SimulatedNodeOptions = Omit<NodeOptions, "driver">;

/** A program: what a host runs, and runs anew when it is restarted. */
export type HostProgram = (host: HostProcess) => void | Promise<void>;

/**
 * One life of a host: from its start, or restart, to its crash. Programs are
 * given theirs, so that nothing of a program that crashed gets into the next life.
 */
export class HostProcess {
  /** The name of the host. */
  readonly name: string;
  /** The IP address of the host. */
  readonly address: string;
  /** Lots of the host's own. */
  readonly random: SimulationRandom;
  readonly #life: Life;

  /** {@linkcode SimulatedHost} makes it. */
  constructor(
    name: string,
    address: string,
    random: SimulationRandom,
    life: Life,
  ) {
    this.name = name;
    this.address = address;
    this.random = random;
    this.#life = life;
  }

  /** Aborted by the crash. */
  get signal(): AbortSignal {
    return this.#life.signal;
  }

  /** Whether it has not crashed. */
  get isRunning(): boolean {
    return !this.signal.aborted;
  }

  /** The sockets and the time of the host: for `createNode({ driver })`, and for code that uses drivers. */
  get driver(): Driver {
    return this.#life.driver;
  }

  /**
   * Makes a node on this host: `createNode`, with the simulation's sockets, clock
   * and lots. What a callback of the node throws fails the simulation.
   *
   * @typeParam Signal What the program sends to itself; nothing by default.
   * @throws {NetworkError} `invalid-option`; `stopped` after the crash.
   */
  createNode<Signal = never>(
    options: SimulatedNodeOptions = {},
  ): NodePair<Signal> {
    return this.#life.createNode<Signal>(options);
  }

  /** Milliseconds of simulated time since the start. */
  now(): number {
    return this.#life.clock.now();
  }

  /** Resolves after so many milliseconds of simulated time; never if the host crashes before. Rejects with `invalid-option`. */
  sleep(delayMs: number): Promise<void> {
    return this.#life.sleep(delayMs);
  }
}

/** A host of a simulation: a machine with a name, an address, and ports of its own. */
export class SimulatedHost {
  /** What other hosts connect to, as in `"server:3000"`. */
  readonly name: string;
  /** Its IP address, which the name stands for. */
  readonly address: string;
  readonly #kernel: Kernel;
  readonly #random: SimulationRandom;
  #life: Life;
  #current: HostProcess;
  #program: HostProgram | undefined;
  #isPaused = false;

  /** `Simulation.host` makes it. */
  constructor(kernel: Kernel, name: string, address: string) {
    this.#kernel = kernel;
    this.name = name;
    this.address = address;
    this.#random = kernel.random.derive(`host ${name}`);
    [this.#life, this.#current] = this.#start();
  }

  /** Whether it is up. */
  get isRunning(): boolean {
    return this.#current.isRunning;
  }

  /** Whether it stands still. */
  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Its present life, or the last one. */
  get current(): HostProcess {
    return this.#current;
  }

  /** The driver of its present life. */
  get driver(): Driver {
    return this.#life.driver;
  }

  /** Makes a node on it; see {@linkcode HostProcess.createNode}. */
  createNode<Signal = never>(
    options: SimulatedNodeOptions = {},
  ): NodePair<Signal> {
    return this.#current.createNode<Signal>(options);
  }

  /**
   * Runs a program on it, and again after each `restart`. What the program
   * throws fails the simulation, unless it has crashed meanwhile.
   *
   * @returns A promise that resolves when the program has ended.
   */
  run(program: HostProgram): Promise<void> {
    this.#program = program;
    return this.#runIn(this.#current, program);
  }

  /**
   * Lets it crash, as if the power went: its sockets are gone and nobody is told.
   * Peers notice by their time limits, or when they send after a `restart` and
   * are answered with a reset; datagrams to it are lost. Its nodes are stopped
   * without an event, its timers never fire, and {@linkcode HostProcess.signal} is
   * aborted.
   */
  crash(): void {
    if (!this.isRunning) return;
    this.#note("crash");
    this.#isPaused = false;
    this.#life.end();
  }

  /**
   * Starts it again, after a crash or with one, under the same name and address.
   *
   * @param program What runs now. Default: what {@linkcode SimulatedHost.run} was given last.
   * @returns The new life.
   */
  restart(program: HostProgram | undefined = this.#program): HostProcess {
    this.crash();
    this.#note("restart");
    [this.#life, this.#current] = this.#start();
    this.#program = program;
    if (program !== undefined) void this.#runIn(this.#current, program);
    return this.#current;
  }

  /**
   * Lets its programs stand still, as a debugger or a long collection of garbage
   * does: no callback, no timer. Its sockets live: what arrives is acknowledged
   * and waits, connections are taken up to be accepted later.
   */
  pause(): void {
    if (!this.isRunning || this.#isPaused) return;
    this.#note("pause");
    this.#isPaused = true;
    this.#life.clock.freeze();
  }

  /** Lets it go on: with what has waited, in order, and the timers that are overdue. */
  resume(): void {
    if (!this.#isPaused) return;
    this.#note("resume");
    this.#isPaused = false;
    this.#life.clock.thaw();
  }

  /** The name. */
  toString(): string {
    return this.name;
  }

  #start(): [Life, HostProcess] {
    const { name, address } = this;
    const life = new Life(this.#kernel, name, address, this.#random);
    return [life, new HostProcess(name, address, this.#random, life)];
  }

  async #runIn(life: HostProcess, program: HostProgram): Promise<void> {
    try {
      await program(life);
    } catch (error) {
      // A program that is dead throws for that reason alone.
      if (life.isRunning) this.#kernel.fail(error);
    }
  }

  #note(detail: string): void {
    this.#kernel.trace.add({ type: "host", from: this.name, detail });
  }
}
