import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import {
  RandomMaskKeys,
  webSocketHeadSize,
  WebSocketOpcode,
  writeMaskedFrame,
  writeWebSocketHead,
} from "../../framing/web_socket_frame.ts";
import { fc } from "../_property.ts";
import { test } from "../_test.ts";
import { DECODER_CASES } from "./_web_socket_cases.ts";
import {
  cut,
  decoded,
  framesBytes,
  joined,
  LogSink,
} from "./_web_socket_frames.ts";
import type { FrameSpec } from "./_web_socket_frames.ts";

// The files themselves: Bun puts an implementation of its own behind the name "ws".
const require = createRequire(import.meta.url);
const Receiver: WsReceiver = require("../../node_modules/ws/lib/receiver.js");
const Sender: WsSender = require("../../node_modules/ws/lib/sender.js");

interface WsReceiver {
  new (options: { isServer: boolean; maxPayload: number }): EventEmitter & {
    write(chunk: Uint8Array, callback: (error?: Error | null) => void): void;
  };
}

interface WsSender {
  frame(
    data: Buffer,
    options: {
      fin: boolean;
      opcode: number;
      mask: boolean;
      readOnly: boolean;
      rsv1: boolean;
    },
  ): Buffer[];
}

/** What the receiver of `ws` makes of a stream; any fault is the line "fault". */
async function decodedByWs(
  stream: Uint8Array,
  isServer: boolean,
): Promise<string[]> {
  const sink = new LogSink();
  const receiver = new Receiver({ isServer, maxPayload: 1 << 20 });
  receiver.on("message", (data: Buffer, isBinary: boolean) => {
    sink.message(new Uint8Array(data), !isBinary);
  });
  receiver.on("ping", (data: Buffer) => sink.ping(new Uint8Array(data)));
  receiver.on("pong", (data: Buffer) => sink.pong(new Uint8Array(data)));
  receiver.on("conclude", (code: number, reason: Buffer) => {
    sink.close(code, reason.toString());
  });
  receiver.on("error", () => {});
  const error = await new Promise<Error | null | undefined>((resolve) => {
    receiver.write(Buffer.from(stream), resolve);
  });
  if (error) sink.log.push("fault");
  return sink.log;
}

async function assertAgree(
  frames: readonly FrameSpec[],
  isServer: boolean,
): Promise<void> {
  const stream = framesBytes(frames, isServer);
  const ours = decoded([stream.slice()], { isServer });
  const theirs = await decodedByWs(stream, isServer);
  const fault = ours.at(-1)?.startsWith("fault") ? ours.pop() : undefined;
  if (fault === "fault protocol 1007") {
    // Wrong text ends it for us at the wrong byte, for ws at the end of the message.
    assert.deepEqual(theirs.slice(0, ours.length), ours);
    return;
  }
  assert.deepEqual(fault === undefined ? ours : [...ours, "fault"], theirs);
}

/** `ws` takes lengths that are longer than they need be; RFC 6455, section 5.2, forbids them. */
const hasShortestLengths = (frame: FrameSpec): boolean =>
  frame.lengthBytes === undefined && frame.claim === undefined;

for (const isServer of [true, false]) {
  const side = isServer ? "server" : "client";

  test(`a ${side} decides every case as ws does`, async () => {
    for (const one of DECODER_CASES) {
      if (one.frames.every(hasShortestLengths)) {
        await assertAgree(one.frames, isServer);
      }
    }
  });

  test(`a ${side} decides any run of frames, right or wrong, as ws does`, async () => {
    const frame = fc.record({
      opcode: fc.oneof(
        { weight: 9, arbitrary: fc.constantFrom(0, 1, 2, 9, 10) },
        { weight: 1, arbitrary: fc.nat(15) },
      ),
      fin: fc.boolean(),
      rsv: fc.oneof(
        { weight: 30, arbitrary: fc.constant(0) },
        { weight: 1, arbitrary: fc.nat(7) },
      ),
      data: fc.oneof(
        fc.string({ maxLength: 20 }),
        fc.uint8Array({ maxLength: 140 }),
      ),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(frame, { maxLength: 8 }),
        (frames) => assertAgree(frames, isServer),
      ),
      { numRuns: 500 },
    );
  });

  test(`ws reads what our ${isServer ? "client" : "server"} writes, and a ${side} what ws writes`, async () => {
    const keys = new RandomMaskKeys();
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 70_000, size: "max" }), {
          maxLength: 3,
        }),
        fc.array(fc.nat(70_000), { maxLength: 5 }),
        async (messages, cuts) => {
          const shown = new LogSink();
          const ours: Uint8Array[] = [];
          const theirs: Uint8Array[] = [];
          for (const message of messages) {
            shown.message(message, false);
            const headSize = webSocketHeadSize(message.length, isServer);
            const frame = new Uint8Array(headSize + message.length);
            if (isServer) {
              writeMaskedFrame(
                frame,
                0,
                WebSocketOpcode.binary,
                message,
                keys.next(),
              );
            } else {
              writeWebSocketHead(
                frame,
                0,
                WebSocketOpcode.binary,
                message.length,
              );
              frame.set(message, headSize);
            }
            ours.push(frame);
            theirs.push(
              ...Sender.frame(Buffer.from(message), {
                fin: true,
                opcode: 2,
                mask: isServer,
                readOnly: false,
                rsv1: false,
              }),
            );
          }
          assert.deepEqual(
            await decodedByWs(joined(ours), isServer),
            shown.log,
          );
          assert.deepEqual(
            decoded(cut(joined(theirs), cuts), { isServer }),
            shown.log,
          );
        },
      ),
      { numRuns: 30 },
    );
  });
}
