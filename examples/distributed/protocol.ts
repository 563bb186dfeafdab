/**
 * What discovery server and participants say to each other: JSON over framed TCP.
 *
 * @module
 */

/** How to reach a participant. */
export interface Contact {
  readonly name: string;
  /** `host:port` */
  readonly address: string;
}

export type Message =
  /** Participant to server: I am here, at this address. */
  | { readonly type: "register"; readonly contact: Contact }
  /** Participant to server: I leave. */
  | { readonly type: "unregister" }
  /** Server to participant: you are registered, and these were before you. */
  | { readonly type: "registered"; readonly contacts: readonly Contact[] }
  /** Server to participant: you are not registered. */
  | { readonly type: "refused"; readonly reason: string }
  /** Server to the others: somebody came. */
  | { readonly type: "added"; readonly contact: Contact }
  /** Server to the others: somebody left. */
  | { readonly type: "removed"; readonly name: string }
  /** Participant to participant. */
  | {
    readonly type: "greetings";
    readonly name: string;
    readonly text: string;
  };

export function encode(message: Message): string {
  return JSON.stringify(message);
}

/** Undefined for what is not of this protocol: a peer may send anything. */
export function decode(data: Uint8Array): Message | undefined {
  try {
    const message = JSON.parse(new TextDecoder().decode(data));
    return isMessage(message) ? message : undefined;
  } catch {
    return undefined;
  }
}

export function isName(value: unknown): value is string {
  return typeof value === "string" && /^[\p{L}\p{N}_-]{1,32}$/u.test(value);
}

function isMessage(value: unknown): value is Message {
  if (!isRecord(value)) return false;
  switch (value["type"]) {
    case "register":
    case "added":
      return isContact(value["contact"]);
    case "unregister":
      return true;
    case "registered": {
      const contacts = value["contacts"];
      return Array.isArray(contacts) && contacts.every(isContact);
    }
    case "refused":
      return isText(value["reason"]);
    case "removed":
      return isName(value["name"]);
    case "greetings":
      return isName(value["name"]) && isText(value["text"]);
    default:
      return false;
  }
}

function isContact(value: unknown): value is Contact {
  return isRecord(value) && isName(value["name"]) && isText(value["address"]);
}

/** One line for a terminal: no control characters. */
function isText(value: unknown): value is string {
  return typeof value === "string" && /^\P{Cc}{1,300}$/u.test(value);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
