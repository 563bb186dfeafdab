/**
 * The options of TLS, and what a driver is asked for by them.
 *
 * What certificates and keys hold is the driver's to judge; here it is judged
 * whether all is there, and nothing that nobody knows.
 *
 * @module
 */

import type {
  TlsConnectRequest,
  TlsIdentity,
  TlsListenRequest,
  TlsVersion,
} from "../runtime/tls.ts";
import { checkInteger, MAX_TIME_MS } from "./_options.ts";
import { badTls } from "./_tls_asked.ts";
import type { TargetAddress } from "./adapter.ts";

/** Certificates or a key as PEM: text or its bytes, never the path of a file. */
export type Pem = string | Uint8Array;

/** A certificate and its key. */
export interface TlsIdentityOptions {
  /** The certificate, followed by those of the authorities between it and the root. */
  readonly certificate: Pem;
  /** The private key, not encrypted. */
  readonly key: Pem;
}

/** How to connect with TLS. */
export interface TlsConnectOptions {
  /** The authorities that are trusted, instead of those of the runtime: one text, or several. Default: the runtime's. */
  readonly ca?: Pem | readonly Pem[];
  /** The certificate shown to a server that asks for one, with `key`. Default: none. */
  readonly certificate?: Pem;
  /** The key of `certificate`, not encrypted. */
  readonly key?: Pem;
  /**
   * The name or IP address that the server's certificate must be for; a name is
   * also what the server is asked for (SNI). Default: the host of the address.
   */
  readonly serverName?: string;
  /** The protocols that are offered by ALPN (RFC 7301), the preferred first. Default: none. */
  readonly alpnProtocols?: readonly string[];
  /** The lowest version that is spoken. Default: `"TLSv1.2"`. */
  readonly minVersion?: TlsVersion;
  /** How long the TLS handshake may take once TCP is connected, in milliseconds; 0 for no limit. Default: 10,000. */
  readonly handshakeTimeoutMs?: number;
  /**
   * Whether the server's certificate is **not verified at all**: anybody on the
   * way can then read and change everything. For tests alone. Default: false.
   */
  readonly dangerouslyAcceptAnyCertificate?: boolean;
}

/** How to listen with TLS. */
export interface TlsListenOptions extends TlsIdentityOptions {
  /** Other certificates, by the name that clients ask for (SNI): `"example.com"` or `"*.example.com"`. Default: none. */
  readonly identities?: Readonly<Record<string, TlsIdentityOptions>>;
  /** The authorities of clients' certificates; goes with `clientCertificate`. */
  readonly ca?: Pem | readonly Pem[];
  /**
   * Whether clients are asked for a certificate: `"optional"` lets those without
   * one in, `"required"` does not; one that is shown must be good in any case.
   * Default: `"none"`: they are not asked.
   */
  readonly clientCertificate?: "none" | "optional" | "required";
  /** The protocols that are accepted by ALPN (RFC 7301), the preferred first; clients that offer others alone are refused. Default: none. */
  readonly alpnProtocols?: readonly string[];
  /** The lowest version that is spoken. Default: `"TLSv1.2"`. */
  readonly minVersion?: TlsVersion;
  /** How long a TLS handshake may take, in milliseconds; 0 for no limit. Default: 10,000. */
  readonly handshakeTimeoutMs?: number;
  /** How many TLS handshakes may be under way at once; connections beyond are closed. Default: 1,000. */
  readonly maxHandshakes?: number;
}

const DEFAULT_HANDSHAKE_TIMEOUT_MS = 10_000;
const DEFAULT_MAX_HANDSHAKES = 1_000;

const CONNECT_NAMES: readonly string[] = [
  "ca",
  "certificate",
  "key",
  "serverName",
  "alpnProtocols",
  "minVersion",
  "handshakeTimeoutMs",
  "dangerouslyAcceptAnyCertificate",
];
const LISTEN_NAMES: readonly string[] = [
  "certificate",
  "key",
  "identities",
  "ca",
  "clientCertificate",
  "alpnProtocols",
  "minVersion",
  "handshakeTimeoutMs",
  "maxHandshakes",
];
const IDENTITY_NAMES: readonly string[] = ["certificate", "key"];

/** What a driver is asked for. Throws a Fault for options that cannot be used. */
export function tlsConnectRequest(
  address: TargetAddress,
  given: true | TlsConnectOptions | undefined,
): TlsConnectRequest {
  const options: TlsConnectOptions = given === undefined || given === true
    ? {}
    : checkNames("tls", given, CONNECT_NAMES);
  const { certificate, key, ca, dangerouslyAcceptAnyCertificate } = options;
  const isUnverified = dangerouslyAcceptAnyCertificate ?? false;
  if (typeof isUnverified !== "boolean") {
    throw badTls(
      "Cannot use tls.dangerouslyAcceptAnyCertificate: it must be true or false",
    );
  }
  if (isUnverified && ca !== undefined) {
    throw badTls(
      "Cannot use tls.ca with tls.dangerouslyAcceptAnyCertificate: nothing is verified then",
    );
  }
  return {
    serverName: serverName(options.serverName, address),
    ca: authorities(ca),
    identity: certificate === undefined && key === undefined
      ? undefined
      : identity("tls", { certificate, key }),
    alpnProtocols: alpnProtocols(options.alpnProtocols),
    minVersion: minVersion(options.minVersion),
    isVerified: !isUnverified,
    handshakeTimeoutMs: handshakeTimeout(options.handshakeTimeoutMs),
  };
}

/** What a driver is asked for. Throws a Fault for options that cannot be used. */
export function tlsListenRequest(
  address: TargetAddress,
  given: TlsListenOptions | undefined,
): TlsListenRequest {
  if (given === undefined) {
    throw badTls(
      `Cannot listen on ${address.text}: tls.certificate and tls.key are missing`,
    );
  }
  const options = checkNames("tls", given, LISTEN_NAMES);
  const { ca, maxHandshakes = DEFAULT_MAX_HANDSHAKES } = options;
  const clientCertificate = options.clientCertificate ?? "none";
  if (!["none", "optional", "required"].includes(clientCertificate)) {
    throw badTls(
      `Cannot use tls.clientCertificate ${
        String(clientCertificate)
      }: it must be none, optional or required`,
    );
  }
  if ((ca === undefined) !== (clientCertificate === "none")) {
    throw badTls(
      ca === undefined
        ? "Cannot use tls.clientCertificate without tls.ca: it says whose certificates are good"
        : "Cannot use tls.ca without tls.clientCertificate: no client is asked for a certificate",
    );
  }
  return {
    identity: identity("tls", options),
    identities: identities(options.identities),
    ca: authorities(ca),
    clientCertificate,
    alpnProtocols: alpnProtocols(options.alpnProtocols),
    minVersion: minVersion(options.minVersion),
    handshakeTimeoutMs: handshakeTimeout(options.handshakeTimeoutMs),
    maxHandshakes: checkInteger(
      "tls.maxHandshakes",
      maxHandshakes,
      1,
      Number.MAX_SAFE_INTEGER,
    ),
  };
}

/** A misspelt option would go unheard, and leave less protection than was asked for. */
function checkNames<Options extends object>(
  field: string,
  options: Options,
  names: readonly string[],
): Options {
  if (typeof options !== "object" || options === null) {
    throw badTls(`Cannot use ${field} ${String(options)}: it is no object`);
  }
  for (const name of Object.keys(options)) {
    if (!names.includes(name)) {
      throw badTls(`Cannot use ${field}.${name}: there is no such option`);
    }
  }
  return options;
}

function identity(
  field: string,
  { certificate, key }: {
    readonly certificate?: Pem | undefined;
    readonly key?: Pem | undefined;
  },
): TlsIdentity {
  return {
    certificate: pemText(`${field}.certificate`, certificate),
    key: pemText(`${field}.key`, key),
  };
}

function identities(
  given: Readonly<Record<string, TlsIdentityOptions>> | undefined,
): ReadonlyMap<string, TlsIdentity> {
  const byName = new Map<string, TlsIdentity>();
  if (given === undefined) return byName;
  if (typeof given !== "object" || given === null) {
    throw badTls(`Cannot use tls.identities ${String(given)}: it is no object`);
  }
  for (const [name, one] of Object.entries(given)) {
    const field = `tls.identities[${JSON.stringify(name)}]`;
    if (!isServerName(name.startsWith("*.") ? name.slice(2) : name)) {
      throw badTls(`Cannot use ${field}: it is no name of a server`);
    }
    byName.set(name, identity(field, checkNames(field, one, IDENTITY_NAMES)));
  }
  return byName;
}

function pemText(field: string, pem: unknown): string {
  if (pem === undefined) throw badTls(`Cannot use tls: ${field} is missing`);
  if (typeof pem !== "string" && !(pem instanceof Uint8Array)) {
    throw badTls(`Cannot use ${field}: it must be PEM, as text or bytes`);
  }
  const text = typeof pem === "string" ? pem : new TextDecoder().decode(pem);
  if (!text.includes("-----BEGIN ")) {
    throw badTls(`Cannot use ${field}: it is not PEM (nor may it be a path)`);
  }
  return text;
}

function authorities(
  ca: Pem | readonly Pem[] | undefined,
): readonly string[] | undefined {
  if (ca === undefined) return undefined;
  const list: readonly unknown[] = Array.isArray(ca) ? ca : [ca];
  if (list.length === 0) {
    throw badTls("Cannot use tls.ca: it is empty, and nobody would be trusted");
  }
  return list.map((one) => pemText("tls.ca", one));
}

function serverName(
  given: string | undefined,
  { hostname }: TargetAddress,
): string {
  if (given === undefined) {
    // A zone id names an interface of this host; an address without a host is this one.
    return hostname === "" ? "127.0.0.1" : hostname.split("%", 1)[0] ?? "";
  }
  if (
    typeof given !== "string" ||
    !(isServerName(given) || URL.canParse(`http://[${given}]/`))
  ) {
    throw badTls(
      `Cannot use tls.serverName ${String(given)}: it is no name of a host`,
    );
  }
  return given;
}

/** A name of DNS, or an IPv4 address, which has the same form. */
function isServerName(name: string): boolean {
  return name.length <= 253 &&
    /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i
      .test(name);
}

function alpnProtocols(
  given: readonly string[] | undefined,
): readonly string[] {
  if (given === undefined) return [];
  if (!Array.isArray(given)) {
    throw badTls("Cannot use tls.alpnProtocols: it must be a list of names");
  }
  const names: readonly unknown[] = given;
  return names.map((name, at) => {
    // RFC 7301, section 3.1: one byte for the length.
    if (
      typeof name !== "string" || name === "" ||
      new TextEncoder().encode(name).length > 255 || names.indexOf(name) !== at
    ) {
      throw badTls(
        `Cannot use tls.alpnProtocols ${
          JSON.stringify(name)
        }: each must have 1 to 255 bytes, and be given once`,
      );
    }
    return name;
  });
}

function minVersion(given: TlsVersion | undefined): TlsVersion {
  const version: unknown = given ?? "TLSv1.2";
  if (version === "TLSv1.2" || version === "TLSv1.3") return version;
  throw badTls(
    `Cannot use tls.minVersion ${
      String(version)
    }: it must be TLSv1.2 or TLSv1.3`,
  );
}

function handshakeTimeout(given: number | undefined): number {
  return checkInteger(
    "tls.handshakeTimeoutMs",
    given ?? DEFAULT_HANDSHAKE_TIMEOUT_MS,
    0,
    MAX_TIME_MS,
  );
}
