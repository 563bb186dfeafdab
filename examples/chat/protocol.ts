/**
 * What chatters and server say to each other: JSON, over framed TCP and WebSocket alike.
 *
 * @module
 */

/** The largest message that the server takes, in bytes. */
export const MAX_MESSAGE_SIZE = 4_096;

/** The longest text, in characters. */
const MAX_TEXT_LENGTH = 500;

export type FromChatter =
  | { readonly type: "join"; readonly name: string }
  | { readonly type: "say"; readonly text: string };

export type FromServer =
  /** To the one who joined. */
  | { readonly type: "welcome"; readonly names: readonly string[] }
  /** To the one who did not. */
  | { readonly type: "refused"; readonly reason: string }
  | { readonly type: "joined"; readonly name: string }
  | { readonly type: "left"; readonly name: string }
  | { readonly type: "said"; readonly name: string; readonly text: string };

/** Throws, with a reason for people, for what is not of this protocol. */
export function decodeFromChatter(data: Uint8Array): FromChatter {
  const { type, name, text } = parse(data);
  if (type === "join" && isName(name)) return { type, name };
  if (type === "join") throw new Error("a name has 1 to 20 letters");
  if (type === "say" && isText(text)) return { type, text };
  if (type === "say") {
    throw new Error(
      `a text has 1 to ${MAX_TEXT_LENGTH} characters, in one line`,
    );
  }
  throw new Error("this is no message of a chatter");
}

/** Throws for what is not of this protocol. */
export function decodeFromServer(data: Uint8Array): FromServer {
  const { type, name, names, text, reason } = parse(data);
  if (type === "welcome" && Array.isArray(names) && names.every(isName)) {
    return { type, names };
  }
  if (type === "refused" && isText(reason)) return { type, reason };
  if ((type === "joined" || type === "left") && isName(name)) {
    return { type, name };
  }
  if (type === "said" && isName(name) && isText(text)) {
    return { type, name, text };
  }
  throw new Error("this is no message of a chat server");
}

export function isName(value: unknown): value is string {
  return typeof value === "string" && /^[\p{L}\p{N}_-]{1,20}$/u.test(value);
}

/** No control characters: they would move the cursor of who reads it on a terminal. */
function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TEXT_LENGTH &&
    /^\P{Cc}+$/u.test(value);
}

function parse(data: Uint8Array): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(new TextDecoder().decode(data));
  return typeof value === "object" && value !== null ? { ...value } : {};
}
