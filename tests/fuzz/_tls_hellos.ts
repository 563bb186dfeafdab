/**
 * What TLS clients said first, recorded from OpenSSL, bytes to put into it, and
 * records for later.
 *
 * @module
 */

import { fromHex } from "../framing/_stream.ts";
import { concat, latin1 } from "./_mutate.ts";
import type { Random } from "./_random.ts";
import type { Source } from "./_target.ts";

const HELLOS: readonly Uint8Array[] = [
  [
    "160301009c0100009803030aa2244a361dcd5df25b89752489dc2f20f1a0763e",
    "5ac05f3d47c29ba7a0c771000004c02f002f0100006bff010001000000001000",
    "0e00000b7365727665722e74657374000b000403000102000a000c000a001d00",
    "17001e00180019002300000016000000170000000d002a002804030503060308",
    "0708080809080a080b0804080508060401050106010303030103020402050206",
    "02",
  ].join(""),
  [
    "1603010189010001850303b4cc04be5e4f05e2845bad5891d773b782349e68e1",
    "8aed0d18235ff1157e3beb20f3d68991f1bb3cceb84a9bd6f2a29660a96744eb",
    "297cb7d8261938c992e0182a0068130213031301c02fc02bc030c02c009ec027",
    "0067c028006b00a3009fcca9cca8ccaac0adc09fc05dc061c057c05300a2c0ac",
    "c09ec05cc060c056c052c024006ac0230040c00ac01400390038c009c0130033",
    "0032009dc09dc051009cc09cc050003d003c0035002f010000d4ff0100010000",
    "000010000e00000b7365727665722e74657374000b000403000102000a000400",
    "0200170023000000100007000501610262620016000000170000000d00360034",
    "09050906090404030503060308070808081a081b081c0809080a080b08040805",
    "0806040105010601030303010302040205020602002b00050403040303002d00",
    "0201010033004700450017004104d9baed6f47ca53899cd62300624bb3960da1",
    "4da51c2b18c33e52ad3d443c4879350e85ca06a73dc5d87f60df30a0e17ebbea",
    "6ee1875ff40b4a083c3032ed778d",
  ].join(""),
].map(fromHex);

/** One record: type, version, and a length that may be a lie. */
function record(random: Random): Uint8Array {
  const body = random.bytes(random.below(60));
  const size = random.oneIn(2) ? body.length : random.below(65_536);
  return concat([
    Uint8Array.of(
      random.from(20, 24),
      3,
      random.from(0, 4),
      size >> 8,
      size & 0xff,
    ),
    body,
  ]);
}

/** Records that come when a handshake is done, and none of its session's. */
export const recordSource: Source = {
  name: "tls-records",
  corpus: [
    "1503030002022a",
    "15030300020100",
    "170303000568656c6c6f",
    "1603030004 18000000",
    "160303000518000001 00",
    "140303000101",
  ].map(fromHex),
  tokens: ["1703034000", "1703034100", "1703030000", "150303ffff"]
    .map(fromHex),
  compose: (random) =>
    concat(Array.from({ length: random.from(1, 4) }, () => record(random))),
};

/** Hellos, alerts and records that come before a handshake is done. */
export const helloSource: Source = {
  name: "tls-hello",
  corpus: [...HELLOS, latin1("GET / HTTP/1.1\r\nHost: a\r\n\r\n")],
  tokens: [
    "15030300020228",
    "1403030001 01",
    "1703030000",
    "16030100",
    "0100",
    "ffff",
    "0303",
    "0304",
  ].map(fromHex),
  compose: (random) =>
    concat([
      random.oneIn(2) ? random.pick(HELLOS) : new Uint8Array(0),
      ...Array.from({ length: random.from(1, 3) }, () => record(random)),
    ]),
};
