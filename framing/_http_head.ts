/**
 * The head of an HTTP/1.1 message (RFC 9112), as strict as a WebSocket handshake may be.
 *
 * No line folding, no bare line feeds, no control characters: what a browser,
 * a proxy or a library sends has none, and what has them is an attack or not HTTP.
 *
 * @module
 */

/** The limits of one head. */
export interface HttpHeadLimits {
  /** The largest head, with its empty line, in bytes. Default: 16,384. */
  readonly maxHeadSize?: number;
  /** The largest number of header lines. Default: 100. */
  readonly maxHeaders?: number;
}

/** A head, taken apart. */
export interface HttpHead {
  /** The request line or status line. */
  readonly startLine: string;
  /** Header values by lower-case name; those of repeated names joined by `", "`. */
  readonly headers: ReadonlyMap<string, string>;
  /** What came after the head in the same chunk. */
  readonly rest: Uint8Array;
}

/** Why bytes are not an acceptable head. */
export interface HttpHeadFault {
  /** `too-large`: a limit was passed. `malformed`: not HTTP/1.1. */
  readonly code: "too-large" | "malformed";
  /** What was wrong: a sentence without a final period. */
  readonly message: string;
}

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** Whether the text is a token (RFC 9110, section 5.6.2). */
export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Whether the text may be a header value on one line: no control characters, no more than Latin-1. */
export function isFieldValue(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if ((unit < 0x20 && unit !== TAB) || unit === 0x7f || unit > 0xff) {
      return false;
    }
  }
  return true;
}

/** The members of a comma-separated list, without the empty ones. */
export function listMembers(value: string | undefined): string[] {
  if (value === undefined) return [];
  return value.split(",").map((part) => part.replace(/^[ \t]+|[ \t]+$/g, ""))
    .filter((part) => part !== "");
}

/** Whether a comma-separated list has this member, in any case. */
export function hasMember(value: string | undefined, member: string): boolean {
  return listMembers(value).some((part) => part.toLowerCase() === member);
}

/** Text as one byte a character. */
export function latin1Bytes(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Gathers one head out of chunks. */
export class HttpHeadReader {
  readonly #maxHeadSize: number;
  readonly #maxHeaders: number;
  #text = "";
  #size = 0;
  #lineStart = 0;
  #lastByte = 0;
  #isDone = false;

  constructor(limits: HttpHeadLimits) {
    this.#maxHeadSize = limits.maxHeadSize ?? 16_384;
    this.#maxHeaders = limits.maxHeaders ?? 100;
  }

  /** Takes the next chunk. Undefined: the head goes on. After an answer, later pushes do nothing. */
  push(chunk: Uint8Array): HttpHead | HttpHeadFault | undefined {
    if (this.#isDone) return undefined;
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] ?? 0;
      const fault = this.#judge(byte);
      if (fault !== undefined) {
        this.#isDone = true;
        return fault;
      }
      if (byte !== LF) continue;
      // The line is empty when it holds its CR alone.
      const isEmptyLine = this.#size - this.#lineStart === 2;
      this.#lineStart = this.#size;
      if (!isEmptyLine) continue;
      this.#isDone = true;
      this.#text += latin1Text(chunk, at + 1);
      return parseHead(this.#text, this.#maxHeaders, chunk.subarray(at + 1));
    }
    this.#text += latin1Text(chunk, chunk.length);
    return undefined;
  }

  #judge(byte: number): HttpHeadFault | undefined {
    this.#size += 1;
    if (this.#size > this.#maxHeadSize) {
      return {
        code: "too-large",
        message: `The head is larger than ${this.#maxHeadSize} bytes`,
      };
    }
    const last = this.#lastByte;
    this.#lastByte = byte;
    if ((last === CR) !== (byte === LF)) {
      return malformed("A line does not end with CR LF");
    }
    if (
      (byte < 0x20 && byte !== CR && byte !== LF && byte !== TAB) ||
      byte === 0x7f
    ) {
      return malformed("The head has a control character");
    }
    return undefined;
  }
}

function latin1Text(bytes: Uint8Array, end: number): string {
  let text = "";
  // Engines limit the number of arguments.
  for (let at = 0; at < end; at += 4096) {
    text += String.fromCharCode(
      ...bytes.subarray(at, Math.min(end, at + 4096)),
    );
  }
  return text;
}

function parseHead(
  text: string,
  maxHeaders: number,
  rest: Uint8Array,
): HttpHead | HttpHeadFault {
  const lines = text.slice(0, -4).split("\r\n");
  if (lines.length - 1 > maxHeaders) {
    return {
      code: "too-large",
      message: `The head has more than ${maxHeaders} headers`,
    };
  }
  const headers = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!isToken(name)) return malformed("A header line has no valid name");
    const value = line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, "");
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return { startLine: lines[0] ?? "", headers, rest };
}

function malformed(message: string): HttpHeadFault {
  return { code: "malformed", message };
}
