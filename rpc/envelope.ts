/**
 * The bytes of a call: what goes over the wire, without any state.
 *
 * The first byte says which of eight envelopes it is, from 0xF8 to 0xFF. None of
 * these occurs anywhere in UTF-8, so that text and JSON messages can share a
 * connection with calls. Numbers are varints in their shortest form.
 *
 * | byte | envelope | goes to | then |
 * | --- | --- | --- | --- |
 * | F8 | request | server | id, length of the method, method, payload |
 * | F9 | stream | server | id, credit, length of the method, method, payload |
 * | FA | response | caller | id, payload |
 * | FB | error | caller | id, code (one byte), message in UTF-8 |
 * | FC | cancel | server | id |
 * | FD | item | caller | id, payload |
 * | FE | end | caller | id, how many items there were |
 * | FF | credit | server | id, how many items more may come |
 *
 * @module
 */

import { readVarint, varintSize, writeVarint } from "../framing/varint.ts";

/** Why a call was not answered, as it goes over the wire. */
export type WireErrorCode =
  | "failed"
  | "cancelled"
  | "overloaded"
  | "unknown-method"
  | "protocol";

/** One message of a call. Ids are those of the caller's side: each side numbers the calls that it makes. */
export type Envelope =
  | {
    readonly kind: "request";
    readonly id: number;
    readonly method: string;
    readonly payload: Uint8Array;
  }
  | {
    readonly kind: "stream";
    readonly id: number;
    /** How many items may come before the caller gives more credit. */
    readonly credit: number;
    readonly method: string;
    readonly payload: Uint8Array;
  }
  | {
    readonly kind: "response";
    readonly id: number;
    readonly payload: Uint8Array;
  }
  | {
    readonly kind: "error";
    readonly id: number;
    readonly code: WireErrorCode;
    readonly message: string;
  }
  | { readonly kind: "cancel"; readonly id: number }
  | { readonly kind: "item"; readonly id: number; readonly payload: Uint8Array }
  | { readonly kind: "end"; readonly id: number; readonly count: number }
  | { readonly kind: "credit"; readonly id: number; readonly credit: number };

const REQUEST = 0xf8;
const STREAM = 0xf9;
const RESPONSE = 0xfa;
const ERROR = 0xfb;
const CANCEL = 0xfc;
const ITEM = 0xfd;
const END = 0xfe;
const CREDIT = 0xff;

/** By their number on the wire; an unknown number reads as `protocol`. */
const CODES: readonly WireErrorCode[] = [
  "protocol",
  "failed",
  "cancelled",
  "overloaded",
  "unknown-method",
];

const EMPTY = new Uint8Array(0);
const encoder = new TextEncoder();
// Not fatal: a garbled name is an unknown method, and a garbled complaint still a complaint.
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Whether a message is meant for calls: its first byte is from 0xF8 on. It may still be broken. */
export function isEnvelope(data: Uint8Array): boolean {
  const first = data[0];
  return first !== undefined && first >= REQUEST;
}

/** The bytes of an envelope. Its numbers must be integers from 0 to 2^53 − 1; not checked. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const { id } = envelope;
  switch (envelope.kind) {
    case "request": {
      const { method, payload } = envelope;
      return write(REQUEST, id, -1, encoder.encode(method), payload);
    }
    case "stream": {
      const { credit, method, payload } = envelope;
      return write(STREAM, id, credit, encoder.encode(method), payload);
    }
    case "response":
      return write(RESPONSE, id, -1, undefined, envelope.payload);
    case "error":
      return write(
        ERROR,
        id,
        CODES.indexOf(envelope.code),
        undefined,
        encoder.encode(envelope.message),
      );
    case "cancel":
      return write(CANCEL, id, -1, undefined, EMPTY);
    case "item":
      return write(ITEM, id, -1, undefined, envelope.payload);
    case "end":
      return write(END, id, envelope.count, undefined, EMPTY);
    case "credit":
      return write(CREDIT, id, envelope.credit, undefined, EMPTY);
  }
}

/** `number` below 0 stands for none. */
function write(
  kind: number,
  id: number,
  number: number,
  method: Uint8Array | undefined,
  payload: Uint8Array,
): Uint8Array {
  let size = 1 + varintSize(id) + payload.length;
  if (number >= 0) size += varintSize(number);
  if (method !== undefined) size += varintSize(method.length) + method.length;
  const bytes = new Uint8Array(size);
  bytes[0] = kind;
  let at = writeVarint(bytes, 1, id);
  if (number >= 0) at = writeVarint(bytes, at, number);
  if (method !== undefined) {
    at = writeVarint(bytes, at, method.length);
    bytes.set(method, at);
    at += method.length;
  }
  bytes.set(payload, at);
  return bytes;
}

/**
 * The envelope in a message. Payloads are views into it. Never throws.
 *
 * @param data A whole message, of anybody.
 * @returns Undefined for bytes that are no envelope, a broken one included.
 */
export function decodeEnvelope(data: Uint8Array): Envelope | undefined {
  const id = readVarint(data, 1);
  if (id < 0) return undefined;
  const start = 1 + varintSize(id);
  switch (data[0]) {
    case REQUEST: {
      const called = readMethod(data, start);
      return called && { kind: "request", id, ...called };
    }
    case STREAM: {
      const credit = readVarint(data, start);
      if (credit < 0) return undefined;
      const called = readMethod(data, start + varintSize(credit));
      return called && { kind: "stream", id, credit, ...called };
    }
    case RESPONSE:
      return { kind: "response", id, payload: data.subarray(start) };
    case ERROR: {
      const code = data[start];
      if (code === undefined) return undefined;
      return {
        kind: "error",
        id,
        code: CODES[code] ?? "protocol",
        message: decoder.decode(data.subarray(start + 1)),
      };
    }
    case CANCEL:
      return start === data.length ? { kind: "cancel", id } : undefined;
    case ITEM:
      return { kind: "item", id, payload: data.subarray(start) };
    case END: {
      const count = readLast(data, start);
      return count < 0 ? undefined : { kind: "end", id, count };
    }
    case CREDIT: {
      const credit = readLast(data, start);
      return credit < 0 ? undefined : { kind: "credit", id, credit };
    }
    default:
      return undefined;
  }
}

function readMethod(
  data: Uint8Array,
  start: number,
): { readonly method: string; readonly payload: Uint8Array } | undefined {
  const size = readVarint(data, start);
  if (size < 0) return undefined;
  const from = start + varintSize(size);
  const to = from + size;
  if (to > data.length) return undefined;
  return {
    method: decoder.decode(data.subarray(from, to)),
    payload: data.subarray(to),
  };
}

/** A number with nothing behind it; below 0 for anything else. */
function readLast(data: Uint8Array, start: number): number {
  const number = readVarint(data, start);
  return number >= 0 && start + varintSize(number) === data.length
    ? number
    : -1;
}
