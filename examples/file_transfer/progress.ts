/**
 * How far transfers are: a status line on a terminal, else a line at each quarter.
 *
 * @module
 */

import process from "node:process";
import { clearLine, cursorTo } from "node:readline";

const BAR_LENGTH = 20;

/** The progress of any number of transfers. */
export class Progress {
  readonly #percents = new Map<string, number>();
  readonly #isTerminal = process.stdout.isTTY === true;

  /** So much of a transfer is done. */
  update(name: string, done: number, size: number): void {
    const percent = size === 0 ? 100 : Math.floor(100 * done / size);
    const before = this.#percents.get(name);
    if (before === percent) return;
    this.#percents.set(name, percent);
    if (this.#isTerminal) this.#draw();
    else if (Math.floor(percent / 25) !== Math.floor((before ?? 0) / 25)) {
      console.log(`${name} ${percent}%`);
    }
  }

  /** A transfer has ended, well or not: its line stays, above the others. */
  end(name: string, line: string): void {
    this.#percents.delete(name);
    if (this.#isTerminal) this.#clear();
    console.log(line);
    if (this.#isTerminal) this.#draw();
  }

  /** All transfers share one line, cut where the terminal ends. */
  #draw(): void {
    this.#clear();
    const bars = [...this.#percents].map(([name, percent]) => {
      const full = Math.round(BAR_LENGTH * percent / 100);
      const bar = "#".repeat(full).padEnd(BAR_LENGTH, ".");
      return `${name} [${bar}] ${percent}%`;
    });
    process.stdout.write(
      bars.join("  ").slice(0, (process.stdout.columns || 80) - 1),
    );
  }

  #clear(): void {
    clearLine(process.stdout, 0);
    cursorTo(process.stdout, 0);
  }
}
