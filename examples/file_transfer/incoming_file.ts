/**
 * A file while it comes in.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { access, type FileHandle, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";

/** Why a file is not taken whose name another has. */
export const NAME_TAKEN = "there is a file of this name";

/**
 * Collects a file under a name of its own, and gives it the real one only when
 * it is whole and its checksum is right.
 */
export class IncomingFile {
  readonly name: string;
  readonly size: number;
  received = 0;
  readonly #file: FileHandle;
  readonly #partialPath: string;
  readonly #finalPath: string;
  readonly #hash = createHash("sha256");

  private constructor(
    file: FileHandle,
    folder: string,
    name: string,
    size: number,
  ) {
    this.#file = file;
    this.#partialPath = partialPath(folder, name);
    this.#finalPath = join(folder, name);
    this.name = name;
    this.size = size;
  }

  /** Undefined when there is such a file, or another sender is sending one. */
  static async create(
    folder: string,
    name: string,
    size: number,
  ): Promise<IncomingFile | undefined> {
    if (await exists(join(folder, name))) return undefined;
    try {
      // "wx": fails when the file exists, and follows no link that somebody laid there.
      const file = await open(partialPath(folder, name), "wx");
      return new IncomingFile(file, folder, name, size);
    } catch (error) {
      if (
        error instanceof Error && "code" in error && error.code === "EEXIST"
      ) {
        return undefined;
      }
      throw error;
    }
  }

  get isComplete(): boolean {
    return this.received === this.size;
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#hash.update(chunk);
    let written = 0;
    while (written < chunk.length) {
      const { bytesWritten } = await this.#file.write(
        chunk,
        written,
        chunk.length - written,
        this.received,
      );
      written += bytesWritten;
      this.received += bytesWritten;
    }
  }

  /** Keeps the file if this is its checksum. Else it is removed, and the result says why. */
  async finish(sha256: string): Promise<string | undefined> {
    let fault: string | undefined;
    if (this.#hash.digest("hex") !== sha256) fault = "the checksum is wrong";
    else if (await exists(this.#finalPath)) fault = NAME_TAKEN;
    if (fault !== undefined) {
      await this.discard();
      return fault;
    }
    await this.#file.close();
    await rename(this.#partialPath, this.#finalPath);
    return undefined;
  }

  /** Leaves nothing behind. */
  async discard(): Promise<void> {
    await this.#file.close();
    await rm(this.#partialPath, { force: true });
  }
}

/** `safeName` gives no name that begins with a dot: no file can have this one. */
function partialPath(folder: string, name: string): string {
  return join(folder, `.${name}.part`);
}

async function exists(path: string): Promise<boolean> {
  return await access(path).then(() => true, () => false);
}
