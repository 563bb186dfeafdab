/**
 * How a value becomes a message's bytes, and back.
 *
 * @module
 */

/**
 * Turns values into bytes and back.
 *
 * @typeParam Out What is sent.
 * @typeParam In What is received. Default: the same.
 */
export interface Codec<Out, In = Out> {
  /** A short name, for people. */
  readonly name: string;
  /** The bytes of a value. May throw anything for a value that it cannot express. */
  encode(value: Out): Uint8Array;
  /** The value of bytes that may come from anybody. May throw anything for bytes that are not its own. */
  decode(data: Uint8Array): In;
}

/** What a schema found: the part of Standard Schema that is used here. */
export type StandardSchemaResult<Output> =
  | {
    /** The value, as the schema gives it back. */
    readonly value: Output;
    /** Nothing was wrong. */
    readonly issues?: undefined;
  }
  | {
    /** What was wrong. */
    readonly issues: readonly { readonly message: string }[];
  };

/**
 * A schema of any library that follows Standard Schema, version 1
 * (https://standardschema.dev): Zod, Valibot, ArkType and others.
 *
 * @typeParam Output What passes it.
 */
export interface StandardSchema<Output> {
  /** The schema's one member. */
  readonly "~standard": {
    /** The version of the specification. */
    readonly version: 1;
    /** Who made the schema's library. */
    readonly vendor: string;
    /** Judges a value. */
    readonly validate: (
      value: unknown,
    ) => StandardSchemaResult<Output> | Promise<StandardSchemaResult<Output>>;
  };
}

const encoder = new TextEncoder();
// Fatal: text that was garbled must not pass for other text.
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Text as UTF-8. Decoding throws a TypeError for bytes that are not UTF-8. */
export const textCodec: Codec<string> = {
  name: "text",
  encode: (value) => encoder.encode(value),
  decode: (data) => decoder.decode(data),
};

/** Bytes as they are, without a copy: leave unchanged what you send. */
export const bytesCodec: Codec<Uint8Array> = {
  name: "bytes",
  encode: (value) => value,
  decode: (data) => data,
};

/**
 * Values as JSON. Decoding throws a SyntaxError for what is not JSON, and a
 * TypeError for what is not UTF-8; encoding throws a TypeError for a value that
 * JSON has no form for (undefined, a bigint, a cycle).
 *
 * What comes in is whatever the peer sent, and nothing here compares it with
 * `In`: give a schema to {@linkcode validated} to be sure of it.
 *
 * @typeParam Out What is sent.
 * @typeParam In What is received. Default: the same.
 */
export function jsonCodec<Out, In = Out>(): Codec<Out, In> {
  return {
    name: "json",
    encode: (value) => {
      const text: string | undefined = JSON.stringify(value);
      if (text === undefined) {
        throw new TypeError("Cannot encode a value that JSON has no form for");
      }
      return encoder.encode(text);
    },
    decode: (data): In => JSON.parse(decoder.decode(data)),
  };
}

/**
 * A codec that lets only values in that a schema accepts, as the schema gives
 * them back. What is sent is not judged.
 *
 * @param codec Makes the values.
 * @param schema Judges them. Its validation must not be asynchronous.
 * @returns A codec whose `decode` throws what `codec` throws, and a TypeError with the first issue.
 * @example
 * ```ts
 * import assert from "node:assert/strict";
 * import { jsonCodec, type StandardSchema, validated } from "@signalbox/signalbox";
 *
 * // Any library's schema will do; this is one by hand.
 * const age: StandardSchema<number> = {
 *   "~standard": {
 *     version: 1,
 *     vendor: "example",
 *     validate: (value) =>
 *       typeof value === "number" ? { value } : { issues: [{ message: "not a number" }] },
 *   },
 * };
 * const codec = validated(jsonCodec<number>(), age);
 * assert.equal(codec.decode(codec.encode(7)), 7);
 * assert.throws(() => codec.decode(new TextEncoder().encode('"7"')), /not a number/);
 * ```
 */
export function validated<Out, Output>(
  codec: Codec<Out, unknown>,
  schema: StandardSchema<Output>,
): Codec<Out, Output> {
  return {
    name: codec.name,
    encode: (value) => codec.encode(value),
    decode: (data) => checkSchema(schema, codec.decode(data)),
  };
}

/**
 * The value as a schema gives it back.
 *
 * @param schema Judges the value. Its validation must not be asynchronous.
 * @param value What is judged.
 * @throws {TypeError} with the first issue, or when the schema is asynchronous.
 */
export function checkSchema<Output>(
  schema: StandardSchema<Output>,
  value: unknown,
): Output {
  const result = schema["~standard"].validate(value);
  if ("then" in result) {
    // Refused whatever it finds; a rejection would only hide the reason.
    result.then(undefined, () => {});
    throw new TypeError("Cannot validate with an asynchronous schema");
  }
  if (result.issues !== undefined) {
    const reason = result.issues[0]?.message ?? "no reason given";
    throw new TypeError(`The value does not fit its schema: ${reason}`);
  }
  return result.value;
}
