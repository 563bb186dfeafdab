/**
 * What became of a send: declared with the adapters, who answer it.
 *
 * @module
 */

export { SendStatus } from "../adapters/adapter.ts";
