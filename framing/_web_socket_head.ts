/**
 * Frame heads of WebSocket as they are read (RFC 6455, section 5.2).
 *
 * @module
 */

import { MAX_CONTROL_PAYLOAD, WebSocketOpcode } from "./web_socket_frame.ts";

/** The number of bytes of a head, told by its second byte. */
export function headSize(second: number): number {
  const length = second & 0x7f;
  const size = length < 126 ? 2 : length === 126 ? 4 : 10;
  return second < 0x80 ? size : size + 4;
}

/**
 * What is wrong with the first two bytes of a head, for a person; undefined if nothing is.
 *
 * @param first The first byte.
 * @param second The second byte.
 * @param isServer Whether a client sent it.
 * @param isInMessage Whether a message is begun, of which the last fragment has not come.
 */
export function headProblem(
  first: number,
  second: number,
  isServer: boolean,
  isInMessage: boolean,
): string | undefined {
  const opcode = first & 0x0f;
  if ((first & 0x70) !== 0) return "A reserved bit is set without an extension";
  if ((second & 0x80) === 0 ? isServer : !isServer) {
    return isServer
      ? "A frame of the client is not masked"
      : "A frame of the server is masked";
  }
  if (opcode >= WebSocketOpcode.close) {
    if (opcode > WebSocketOpcode.pong) return `The opcode ${opcode} is unknown`;
    if ((first & 0x80) === 0) return "A control frame is fragmented";
    return (second & 0x7f) > MAX_CONTROL_PAYLOAD
      ? "A control frame is larger than 125 bytes"
      : undefined;
  }
  if (opcode > WebSocketOpcode.binary) return `The opcode ${opcode} is unknown`;
  if ((opcode === WebSocketOpcode.continuation) !== isInMessage) {
    return isInMessage
      ? "A message begins before the one before it has ended"
      : "A continuation frame continues no message";
  }
  return undefined;
}

/** Four bytes as a signed integer, which engines keep unboxed. They must be there. */
export function int32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) |
    bytes[at + 3]!;
}
