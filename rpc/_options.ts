/**
 * Options, checked and made ready for use.
 *
 * @module
 */

import { type Codec, jsonCodec, type StandardSchema } from "../codec/codec.ts";
import { NetworkError } from "../network/errors.ts";
import type { Method } from "./_core.ts";
import type { RpcContext, RpcHandlers } from "./contract.ts";

const json = jsonCodec<unknown>();
const NOTHING = new Uint8Array(0);

/** JSON, and no bytes at all for undefined, which JSON has no form for. */
export const jsonOrNothing: Codec<unknown> = {
  name: "json",
  encode: (value) => value === undefined ? NOTHING : json.encode(value),
  decode: (data) => data.length === 0 ? undefined : json.decode(data),
};

/** Own members only: a peer must not reach what every object has. */
export function methodsOf<Local>(
  handlers: RpcHandlers<Local>,
  requests: Readonly<Partial<Record<string, StandardSchema<unknown>>>>,
): Map<string, Method> {
  const methods = new Map<string, Method>();
  for (const [name, handler] of Object.entries(handlers)) {
    if (typeof handler !== "function") {
      throw new NetworkError(
        "invalid-option",
        `Cannot serve ${name}: its handler is not a function`,
      );
    }
    const serve: (request: unknown, context: RpcContext) => unknown = (
      request,
      context,
    ) => handler.call(handlers, request, context);
    const schema = Object.hasOwn(requests, name) ? requests[name] : undefined;
    methods.set(name, { serve, schema });
  }
  return methods;
}

/** A limit as it was given; throws if it is none. */
export function count(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new NetworkError(
    "invalid-option",
    `Cannot use ${name} ${value}: it must be an integer from 1`,
  );
}

/** A time as it was given, in milliseconds; throws if it is none. */
export function timeLimit(value: number): number {
  if (Number.isFinite(value) && value >= 0) return value;
  throw new NetworkError(
    "invalid-option",
    `Cannot use timeoutMs ${value}: it must be finite and not negative`,
  );
}
