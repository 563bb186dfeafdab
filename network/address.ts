/**
 * Addresses as users write them.
 *
 * @module
 */

import type { TargetAddress } from "../adapters/adapter.ts";
import type { SocketAddress } from "../runtime/driver.ts";
import { Fault } from "../runtime/fault.ts";

/**
 * Where to connect or listen: `"host:port"`, `"[::1]:80"`, `":0"`, a URL
 * (`"ws://host/path"`, `"tcp://host:80"`, `"udp://…"`, `"unix:/run/x.sock"`,
 * `"memory:name"`), a path that begins with `/`, `./`, `../` or `\0`, or the
 * parts on their own. A host is a name (DNS) or an IP address. The address that
 * `listen` resolved with, or that `peerAddress` told, is one too.
 *
 * @example
 * ```ts
 * import type { Address } from "@signalbox/signalbox";
 *
 * const addresses: Address[] = ["localhost:3042", { hostname: "::1", port: 0 }, { path: "/run/app.sock" }];
 * ```
 */
export type Address =
  | string
  | URL
  | { readonly hostname: string; readonly port: number }
  | { readonly path: string }
  | SocketAddress;

/**
 * Takes an address apart. Throws a Fault `invalid-address` for one that nobody could use.
 *
 * @param address What the user gave.
 */
export function parseAddress(address: Address): TargetAddress {
  if (typeof address === "string") return parseText(address);
  if (typeof address !== "object" || address === null) {
    throw invalid(String(address), NO_ADDRESS);
  }
  if (address instanceof URL) return parseText(address.href);
  // The address of a listener or peer has both, and one of them is empty.
  if ("path" in address && !(address.path === "" && "hostname" in address)) {
    return pathTarget(address.path);
  }
  if (!("hostname" in address) || typeof address.hostname !== "string") {
    throw invalid("{}", NO_ADDRESS);
  }
  const { hostname, port } = address;
  const text = textOf(address);
  if (!Number.isInteger(port)) throw invalid(text, BAD_PORT);
  const bare = hostname.replace(/^\[(.*)\]$/s, "$1");
  return internetTarget(text, "", checkHost(text, bare), port, "");
}

/** An address as text that {@linkcode parseAddress} takes back: `"127.0.0.1:3042"`, `"[::1]:80"`, `"/run/app.sock"`. */
export function formatAddress(address: SocketAddress): string {
  switch (address.family) {
    case "unix":
      return address.path === "" ? "unix:" : address.path;
    case "memory":
      return `memory:${
        address.path === ""
          ? `${address.hostname}:${address.port}`
          : address.path
      }`;
    default:
      return textOf(address);
  }
}

function textOf(
  { hostname, port }: { readonly hostname: string; readonly port: number },
): string {
  return hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
}

// The kind of path, and the path: "unix:///run/x" has its slashes twice, "unix:x" has none.
const PATH =
  /^(?:(memory):(?:\/\/)?|unix:(?:\/\/(?=\/))?|(?=\.{0,2}\/|\0))(.*)$/s;
// Scheme, what is in brackets, host without, port, and what a URL has after them. The
// URL class would drop a default port and judge schemes apart.
const PARTS =
  /^(?:([a-z][a-z0-9+.-]*):\/\/)?(?:\[([^\]]*)\]|([^:/?#]*))(?::(\d{1,5}))?([/?#].*)?$/is;
// Zone ids name an interface: "fe80::1%eth0".
const IPV6 = /^([0-9a-f:.]*:[0-9a-f:.]*)(?:%[a-z0-9_.-]+)?$/i;
const NAME =
  /^(?!\.|.{254})(?:(?:^|\.)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)+\.?$/i;

const NO_ADDRESS = "it is neither text nor an object with host or path";
const BAD_HOST = "the host is malformed";
const BAD_PORT = "the port is not a number from 0 to 65535";

function parseText(text: string): TargetAddress {
  const [, memory, path] = PATH.exec(text) ?? [];
  if (path !== undefined) {
    const target = pathTarget(path);
    return memory === undefined ? target : { ...target, text, scheme: memory };
  }
  const parts = PARTS.exec(text);
  const [, scheme = "", inBrackets, name = "", port, rest = ""] = parts ?? [];
  if (parts === null || text === "" || (scheme === "" && rest !== "")) {
    throw invalid(
      text,
      "it is neither host:port nor a URL (IPv6 addresses need brackets: [::1]:80)",
    );
  }
  if (name.includes("@")) {
    throw invalid(text, "user names and passwords are not used");
  }
  const resource = rest.replace(/#.*/s, "").replace(/^\?/, "/?");
  if (/[\s\p{Cc}\p{Cs}]/u.test(resource)) {
    throw invalid(
      text,
      "the path has a space, a control character or half a character",
    );
  }
  return internetTarget(
    text,
    scheme.toLowerCase(),
    inBrackets === undefined
      ? checkHost(text, name)
      : checkIPv6(text, inBrackets),
    port === undefined ? undefined : Number(port),
    resource.replace(/[^\x21-\x7e]+/g, encodeURIComponent),
  );
}

function internetTarget(
  text: string,
  scheme: string,
  hostname: string,
  port: number | undefined,
  resource: string,
): TargetAddress {
  if (port !== undefined && (port < 0 || port > 65_535)) {
    throw invalid(text, BAD_PORT);
  }
  return { text, scheme, hostname, port, path: "", resource };
}

/** The host as the resolver takes it; names that are not ASCII are put into their ASCII form. */
function checkHost(text: string, hostname: string): string {
  if (hostname === "") return "";
  if (hostname.includes(":")) return checkIPv6(text, hostname);
  const name = /\P{ASCII}/u.test(hostname) ? asciiHost(hostname) : hostname;
  // A name whose last label is a number can only be an IPv4 address (WHATWG URL, "ends in a number").
  const isIPv4 = /(?:^|\.)\d+\.?$/.test(name);
  const plain = isIPv4 ? name.replace(/\.$/, "") : name;
  if (!(isIPv4 ? asciiHost(name) === plain : NAME.test(name))) {
    throw invalid(text, BAD_HOST);
  }
  return plain;
}

/** The host as the URL class has it: with four decimal numbers for any way to write an IPv4 address; `""` for none. */
function asciiHost(hostname: string): string {
  const url = `http://${hostname}/`;
  // What the class would take for the end of the host is no part of a name.
  return !/[/\\?#@]/.test(hostname) && URL.canParse(url)
    ? new URL(url).hostname
    : "";
}

function checkIPv6(text: string, hostname: string): string {
  if (!URL.canParse(`http://[${IPV6.exec(hostname)?.[1]}]/`)) {
    throw invalid(text, BAD_HOST);
  }
  return hostname.toLowerCase();
}

function pathTarget(path: string): TargetAddress {
  const text = String(path).replaceAll("\0", "\\0");
  // One null character at the start: the abstract paths of Linux.
  if (typeof path !== "string" || !/^(?!\0$)[^][^\0]*$/.test(path)) {
    throw invalid(text, "the path is empty or has a null character");
  }
  return {
    text,
    scheme: "",
    hostname: "",
    port: undefined,
    path,
    resource: "",
  };
}

function invalid(text: string, why: string): Fault {
  return new Fault(
    "invalid-address",
    `Cannot use the address ${text || '""'}: ${why}`,
  );
}
