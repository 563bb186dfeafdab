/**
 * RFC 6455 again, written to be obvious: a whole stream of frames and what it comes to.
 *
 * @module
 */

/** One finding: `kind` is a message, a control frame, or the fault with its close code. */
export interface Finding {
  readonly kind: "text" | "binary" | "ping" | "pong" | "close" | "fault";
  readonly data: Uint8Array;
  /** Of a close or fault. */
  readonly code: number;
}

/** What a stream of frames comes to. */
export interface FrameReading {
  readonly findings: readonly Finding[];
  /** Bytes held at the end; 0 once it is over. */
  readonly rest: number;
}

/** Whom the frames reach, and the limits. */
export interface FrameRules {
  readonly isServer: boolean;
  readonly maxMessageSize: number;
  readonly maxFragments: number;
}

const NONE = new Uint8Array(0);

interface Head {
  readonly size: bigint;
  readonly headSize: number;
}

/**
 * Where the first character begins that is not complete; -1 if the bytes cannot become UTF-8.
 * Each character is judged by the numbers that its missing bits may still make.
 */
export function utf8Progress(bytes: Uint8Array, from: number): number {
  let at = from;
  while (at < bytes.length) {
    const lead = bytes[at] ?? 0;
    if (lead < 0x80) {
      at += 1;
      continue;
    }
    const size = lead >= 0xf8 ? 0 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc0 || size === 0) return -1;
    let low = lead & (0x7f >> size);
    let high = low;
    const end = Math.min(bytes.length, at + size);
    for (let i = at + 1; i < at + size; i++) {
      const byte = i < end ? bytes[i] ?? 0 : undefined;
      if (byte !== undefined && (byte & 0xc0) !== 0x80) return -1;
      low = low * 64 + (byte === undefined ? 0 : byte & 0x3f);
      high = high * 64 + (byte === undefined ? 0x3f : byte & 0x3f);
    }
    const least = size === 2 ? 0x80 : size === 3 ? 0x800 : 0x1_0000;
    const isHopeless = high < least || low > 0x10_ffff ||
      (low >= 0xd800 && high <= 0xdfff);
    if (isHopeless) return -1;
    if (end < at + size) return at;
    at += size;
  }
  return at;
}

/** Reads the length; undefined if more must come. */
function readSize(stream: Uint8Array, at: number): Head | undefined {
  const second = stream[at + 1] ?? 0;
  const short = second & 0x7f;
  const lengthBytes = short < 126 ? 0 : short === 126 ? 2 : 8;
  const headSize = 2 + lengthBytes + (second >= 0x80 ? 4 : 0);
  if (stream.length - at < headSize) return undefined;
  if (lengthBytes === 0) return { size: BigInt(short), headSize };
  let size = 0n;
  for (let i = 0; i < lengthBytes; i++) {
    size = (size << 8n) | BigInt(stream[at + 2 + i] ?? 0);
  }
  return { size, headSize };
}

/** Reads a stream. */
export function readFrames(
  stream: Uint8Array,
  { isServer, maxMessageSize, maxFragments }: FrameRules,
): FrameReading {
  const findings: Finding[] = [];
  const over = (code: number): FrameReading => {
    findings.push({ kind: "fault", data: NONE, code });
    return { findings, rest: 0 };
  };
  let message: number[] | undefined;
  let isText = false;
  let fragments = 0;
  let claimed = 0n;
  let checked = 0;
  let at = 0;
  while (at < stream.length) {
    const held = message?.length ?? 0;
    if (stream.length - at < 2) {
      return { findings, rest: held + stream.length - at };
    }
    const first = stream[at] ?? 0;
    const second = stream[at + 1] ?? 0;
    const opcode = first & 15;
    const isFinal = first >= 0x80;
    const isControl = opcode >= 8;
    if ((first & 0x70) !== 0) return over(1002);
    if (second >= 0x80 !== isServer) return over(1002);
    if (![0, 1, 2, 8, 9, 10].includes(opcode)) return over(1002);
    if (isControl && (!isFinal || (second & 0x7f) > 125)) return over(1002);
    if (!isControl && (opcode === 0) !== (message !== undefined)) {
      return over(1002);
    }
    const head = readSize(stream, at);
    if (head === undefined) {
      return { findings, rest: held + stream.length - at };
    }
    const { size, headSize } = head;
    const short = second & 0x7f;
    if (size >= 1n << 63n) return over(1002);
    if (short === 126 && size < 126n) return over(1002);
    if (short === 127 && size < 65_536n) return over(1002);
    if (!isControl) {
      if (opcode !== 0) {
        isText = opcode === 1;
        fragments = 0;
        claimed = 0n;
        checked = 0;
        message = [];
      }
      claimed += size;
      fragments += 1;
      if (claimed > BigInt(maxMessageSize)) return over(1009);
      if (fragments > maxFragments) return over(1009);
    }
    const start = at + headSize;
    const isWhole = BigInt(stream.length - start) >= size;
    const end = isWhole ? start + Number(size) : stream.length;
    const payload = stream.slice(start, end);
    if (isServer) {
      for (let i = 0; i < payload.length; i++) {
        payload[i] = (payload[i] ?? 0) ^ (stream[start - 4 + (i & 3)] ?? 0);
      }
    }
    at = end;
    if (isControl) {
      if (!isWhole) return { findings, rest: held + payload.length };
      if (opcode !== 8) {
        findings.push({
          kind: opcode === 9 ? "ping" : "pong",
          data: payload,
          code: 0,
        });
        continue;
      }
      const fault = closeFault(payload);
      if (fault !== undefined) return over(fault);
      findings.push({
        kind: "close",
        data: payload.slice(2),
        code: payload.length === 0 ? 1005 : word(payload),
      });
      return { findings, rest: 0 };
    }
    const whole: number[] = message ?? [];
    for (const byte of payload) whole.push(byte);
    if (isText) {
      checked = utf8Progress(Uint8Array.from(whole), checked);
      if (checked < 0) return over(1007);
    }
    if (!isWhole) return { findings, rest: whole.length };
    if (!isFinal) continue;
    if (isText && checked !== whole.length) return over(1007);
    findings.push({
      kind: isText ? "text" : "binary",
      data: Uint8Array.from(whole),
      code: 0,
    });
    message = undefined;
  }
  return { findings, rest: message?.length ?? 0 };
}

function word(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
}

function closeFault(payload: Uint8Array): number | undefined {
  if (payload.length === 0) return undefined;
  if (payload.length === 1) return 1002;
  const code = word(payload);
  const isUsed = (code >= 1000 && code <= 1003) ||
    (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
  if (!isUsed) return 1002;
  const reason = payload.slice(2);
  return utf8Progress(reason, 0) === reason.length ? undefined : 1007;
}
