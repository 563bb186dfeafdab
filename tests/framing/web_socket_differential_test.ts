import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";
import fc from "fast-check";
import { WebSocket } from "ws";
import {
  WebSocketOpcode,
  writeMaskedFrame,
} from "../../framing/web_socket_frame.ts";
import { test } from "../_test.ts";
import { DECODER_CASES } from "./_web_socket_cases.ts";
import { decoded, framesBytes, LogSink } from "./_web_socket_frames.ts";
