/**
 * The certificates and keys of `tests/vectors/tls/`.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsIdentity } from "../../mod.ts";
import { projectFolder } from "../_support.ts";

/** The text of one file. */
export function pem(file: string): string {
  return readFileSync(join(projectFolder, "tests/vectors/tls", file), "utf8");
}

/** A certificate and its key, by the name of their files. */
export function identity(name: string): TlsIdentity {
  return { certificate: pem(`${name}.pem`), key: pem(`${name}.key`) };
}

/** The authority that most of the certificates lead to. */
export const CA: string = pem("ca.pem");
