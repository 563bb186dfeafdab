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
    throw invalid(String(address), "it is neither text nor an object");
  }
  if (address instanceof URL) return parseText(address.href);
  // The address of a listener or peer has both, and one of them is empty.
  if ("path" in address && !(address.path === "" && "hostname" in address)) {
    return pathTarget(describePath(address.path), address.path);
  }
  if (!("hostname" in address)) {
    throw invalid("{}", "it has neither host nor path");
  }
  const { hostname, port } = address;
  if (typeof hostname !== "string") {
    throw invalid(String(hostname), "the host name is not text");
  }
  const text = hostname.includes(":")
    ? `[${hostname}]:${port}`
    : `${hostname}:${port}`;
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw invalid(text, "the port is not from 0 to 65535");
  }
  const bare = hostname.startsWith("[") && hostname.endsWith("]")
    ? hostname.slice(1, -1)
    : hostname;
  return {
    text,
    scheme: "",
    hostname: checkHost(text, bare),
    port,
    path: "",
    resource: "",
  };
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
      return address.hostname.includes(":")
        ? `[${address.hostname}]:${address.port}`
        : `${address.hostname}:${address.port}`;
  }
}

const URL_SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const IPV4_PART = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;
const HOST_LABEL = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?$/i;
// Zone ids name an interface: "fe80::1%eth0".
const IPV6_TEXT = /^[0-9a-f:.]+(?:%[a-z0-9_.-]+)?$/i;

function parseText(text: string): TargetAddress {
  if (text === "") throw invalid('""', "it is empty");
  if (
    text.startsWith("/") || text.startsWith("./") || text.startsWith("../") ||
    text.startsWith("\0")
  ) {
    return pathTarget(describePath(text), text);
  }
  if (text.startsWith("unix:")) {
    const path = text.slice("unix:".length).replace(/^\/\/(?=\/)/, "");
    return pathTarget(describePath(path), path);
  }
  if (text.startsWith("memory:")) {
    const name = text.slice("memory:".length).replace(/^\/\//, "");
    return { ...pathTarget(text, name), scheme: "memory" };
  }
  const scheme = URL_SCHEME.exec(text)?.[1];
  if (scheme !== undefined) return parseUrl(text, scheme.toLowerCase());
  return {
    ...parseHostAndPort(text, text),
    scheme: "",
    path: "",
    resource: "",
  };
}

/** The part of a URL that names host and port; the URL class alone would drop a default port and judge schemes apart. */
function parseUrl(text: string, scheme: string): TargetAddress {
  const rest = text.slice(scheme.length + "://".length);
  const end = rest.search(/[/?#]/);
  const authority = end === -1 ? rest : rest.slice(0, end);
  if (authority.includes("@")) {
    throw invalid(text, "user names and passwords are not used");
  }
  let resource = end === -1 ? "" : rest.slice(end);
  const fragment = resource.indexOf("#");
  if (fragment !== -1) resource = resource.slice(0, fragment);
  if (resource.startsWith("?")) resource = `/${resource}`;
  if (/[\s\p{Cc}\p{Cs}]/u.test(resource)) {
    throw invalid(
      text,
      "the path has a space, a control character or half a character",
    );
  }
  resource = resource.replace(/[^\x21-\x7e]+/g, encodeURIComponent);
  return { ...parseHostAndPort(text, authority), scheme, path: "", resource };
}

function parseHostAndPort(
  text: string,
  part: string,
): Pick<TargetAddress, "text" | "hostname" | "port"> {
  let hostname: string;
  let rest: string;
  if (part.startsWith("[")) {
    const close = part.indexOf("]");
    if (close === -1) throw invalid(text, "the bracket is not closed");
    hostname = part.slice(1, close);
    rest = part.slice(close + 1);
    if (!hostname.includes(":")) {
      throw invalid(text, "only an IPv6 address goes in brackets");
    }
  } else {
    const colon = part.indexOf(":");
    hostname = colon === -1 ? part : part.slice(0, colon);
    rest = colon === -1 ? "" : part.slice(colon);
    if (rest.indexOf(":", 1) !== -1) {
      throw invalid(text, "an IPv6 address needs brackets: [::1]:80");
    }
  }
  let port: number | undefined;
  if (rest !== "") {
    if (!/^:\d{1,5}$/.test(rest)) {
      throw invalid(text, "the port is not a number");
    }
    port = Number(rest.slice(1));
    if (port > 65_535) throw invalid(text, "the port is not from 0 to 65535");
  }
  return { text, hostname: checkHost(text, hostname), port };
}

/** The host as the resolver takes it; names that are not ASCII are put into their ASCII form. */
function checkHost(text: string, hostname: string): string {
  if (hostname === "") return "";
  if (hostname.includes(":")) {
    if (!IPV6_TEXT.test(hostname)) {
      throw invalid(text, "the IPv6 address is malformed");
    }
    const address = hostname.split("%", 1)[0] ?? "";
    if (!URL.canParse(`http://[${address}]/`)) {
      throw invalid(text, "the IPv6 address is malformed");
    }
    return hostname.toLowerCase();
  }
  let name = hostname;
  if (/\P{ASCII}/u.test(name)) {
    if (!URL.canParse(`http://${name}/`)) {
      throw invalid(text, "the host name is malformed");
    }
    name = new URL(`http://${name}/`).hostname;
  }
  const labels = (name.endsWith(".") ? name.slice(0, -1) : name).split(".");
  // A name whose last label is a number can only be an IPv4 address (WHATWG URL, "ends in a number").
  if (/^\d+$/.test(labels.at(-1) ?? "")) {
    if (
      labels.length !== 4 || !labels.every((label) => IPV4_PART.test(label))
    ) {
      throw invalid(text, "the IPv4 address is malformed");
    }
    return labels.join(".");
  }
  if (
    name.length > 253 ||
    !labels.every((label) => label.length <= 63 && HOST_LABEL.test(label))
  ) {
    throw invalid(text, "the host name is malformed");
  }
  return name;
}

function pathTarget(text: string, path: string): TargetAddress {
  if (typeof path !== "string" || path === "" || path === "\0") {
    throw invalid(text, "the path is empty");
  }
  if (path.indexOf("\0", 1) !== -1) {
    throw invalid(text, "the path has a null character");
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

function describePath(path: string): string {
  return typeof path === "string" ? path.replaceAll("\0", "\\0") : String(path);
}

function invalid(text: string, why: string): Fault {
  return new Fault("invalid-address", `Cannot use the address ${text}: ${why}`);
}
