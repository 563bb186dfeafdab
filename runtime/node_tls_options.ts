/**
 * Certificates and keys, looked at before anything is sent: one that cannot be
 * used is refused at the call, by its field.
 *
 * @module
 */

import type { KeyObject, X509Certificate } from "node:crypto";
import { nodeBuiltin } from "./_node_builtins.ts";
import { Fault } from "./fault.ts";
import type {
  TlsConnectRequest,
  TlsFailure,
  TlsIdentity,
  TlsListenRequest,
} from "./tls.ts";

const ONE_CERTIFICATE =
  /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * Looks at the certificates and keys of a connect.
 *
 * @throws {Fault} `tls`, with the failure `options`, or `expired` for an own certificate.
 */
export function checkTlsConnect(request: TlsConnectRequest): void {
  checkAuthorities(request.ca);
  if (request.identity !== undefined) checkIdentity("tls", request.identity);
}

/**
 * Looks at the certificates and keys of a listener.
 *
 * @throws {Fault} `tls`, with the failure `options`, or `expired` for an own certificate.
 */
export function checkTlsListen(request: TlsListenRequest): void {
  checkAuthorities(request.ca);
  checkIdentity("tls", request.identity);
  for (const [name, identity] of request.identities) {
    checkIdentity(`tls.identities[${JSON.stringify(name)}]`, identity);
  }
}

function checkIdentity(
  field: string,
  { certificate, key }: TlsIdentity,
): void {
  const chain = certificatesIn(`${field}.certificate`, certificate);
  const now = Date.now();
  for (const { validFrom, validTo } of chain) {
    if (Date.parse(validFrom) <= now && now <= Date.parse(validTo)) continue;
    throw unusable(
      `${field}.certificate`,
      `a certificate in it is valid from ${validFrom} to ${validTo} alone`,
      "expired",
    );
  }
  const own = chain[0];
  if (own === undefined || !own.checkPrivateKey(keyIn(`${field}.key`, key))) {
    throw unusable(`${field}.key`, `it is not the key of ${field}.certificate`);
  }
}

function keyIn(field: string, key: string): KeyObject {
  if (/-----BEGIN ENCRYPTED PRIVATE KEY|^Proc-Type: 4,ENCRYPTED/m.test(key)) {
    throw unusable(field, "it is encrypted; give the key decrypted");
  }
  try {
    return nodeBuiltin("node:crypto").createPrivateKey(key);
  } catch (error) {
    throw unusable(field, "it is no private key in PEM", "options", error);
  }
}

function checkAuthorities(ca: readonly string[] | undefined): void {
  for (const authority of ca ?? []) certificatesIn("tls.ca", authority);
}

/** All certificates of a PEM text; at least one. Deno's node:tls would ignore what it cannot read. */
function certificatesIn(field: string, pem: string): X509Certificate[] {
  const texts = pem.match(ONE_CERTIFICATE) ?? [];
  if (texts.length === 0) {
    throw unusable(field, "there is no certificate in PEM in it");
  }
  const { X509Certificate } = nodeBuiltin("node:crypto");
  return texts.map((text) => {
    try {
      return new X509Certificate(text);
    } catch (error) {
      throw unusable(
        field,
        "a certificate in it cannot be read",
        "options",
        error,
      );
    }
  });
}

function unusable(
  field: string,
  why: string,
  tlsFailure: TlsFailure = "options",
  cause?: unknown,
): Fault {
  return new Fault("tls", `Cannot use ${field}: ${why}`, {
    tlsFailure,
    ...(cause !== undefined && { cause }),
  });
}
