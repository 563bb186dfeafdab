/**
 * The code of each fault, which is the same on every driver.
 *
 * @module
 */

import assert from "node:assert/strict";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import type { Driver, SocketAddress } from "../../runtime/driver.ts";
import type { FaultCode } from "../../runtime/fault.ts";
import { DatagramProbe } from "./_datagram_probe.ts";
import {
  Accepting,
  calling,
  connect,
  finish,
  inet,
  isFault,
  unix,
} from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

const LOOPBACK = inet("127.0.0.1");
/** An address of the documentation (RFC 5737): no machine has it. */
const ELSEWHERE = inet("203.0.113.7");
const BAD_PORTS = [-1, 65_536, 1.5, NaN];
const NOWHERE = named("nonexistent.invalid", 1);

function named(hostname: string, port: number): SocketAddress {
  return { family: "unknown", hostname, port, path: "" };
}

/** What a promise is rejected with; a promise kept is a failed test. */
function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => assert.fail("it did not fail"),
    (error: unknown) => error,
  );
}

/** What a connection fails with: thrown at the call or told by `closed`. */
async function connecting(
  driver: Driver,
  address: SocketAddress,
  source?: SocketAddress,
): Promise<unknown> {
  let end;
  try {
    end = connect(driver, address, source);
  } catch (error) {
    return error;
  }
  await end.probe.untilClosed();
  assert.equal(end.probe.opened, 0);
  await finish(driver, [end]);
  return end.probe.fault;
}

function listening(driver: Driver, address: SocketAddress): Promise<unknown> {
  return rejection(new Accepting().listen(driver, { address }));
}

function binding(
  driver: Driver,
  address: SocketAddress,
  peer?: SocketAddress,
): Promise<unknown> {
  return rejection(
    driver.bindDatagram(
      peer === undefined ? { address } : { address, peer },
      new DatagramProbe(),
    ),
  );
}

/** What a datagram that is sent from an IPv4 socket makes it tell. */
async function sending(
  driver: Driver,
  size: number,
  to: SocketAddress,
): Promise<unknown> {
  const probe = new DatagramProbe();
  const socket = await driver.bindDatagram({ address: LOOPBACK }, probe);
  calling(() => socket.send(new Uint8Array(size), to.hostname, to.port));
  await probe.until(() => probe.faults.length > 0);
  probe.isLocallyClosed = true;
  socket.close();
  await probe.until(() => probe.closedTimes > 0);
  assert.equal(probe.faults.length, 1);
  return probe.faults[0];
}

function serving(driver: Driver, address: SocketAddress): Promise<unknown> {
  return rejection(
    driver.listenWebSocket(
      { address, maxMessageSize: 1024, admit: () => "" },
      { accept: () => undefined, fault: (fault) => assert.fail(fault) },
    ),
  );
}

/** What a WebSocket client fails with. */
function joining(driver: Driver, url: string): Promise<unknown> {
  return new Promise((resolve) => {
    try {
      driver.connectWebSocket({ url, protocols: [] }, {
        open: () => assert.fail("it did not fail"),
        message() {},
        drain() {},
        closed: (_code, _reason, fault) => resolve(fault),
      });
    } catch (error) {
      resolve(error);
    }
  });
}

/** Runs beside a listener whose address is taken. */
async function besideListener(
  driver: Driver,
  run: (taken: SocketAddress) => Promise<unknown>,
): Promise<unknown> {
  const { listener } = await new Accepting().listen(driver, {
    address: LOOPBACK,
  });
  try {
    return await run(listener.address);
  } finally {
    await listener.close();
  }
}

/** An address of this machine that nothing listens on. */
async function deadAddress(driver: Driver): Promise<SocketAddress> {
  const { listener } = await new Accepting().listen(driver, {
    address: LOOPBACK,
  });
  await listener.close();
  return listener.address;
}

/** Runs beside a datagram socket whose address is taken. */
async function besideDatagram(
  driver: Driver,
  run: (taken: SocketAddress) => Promise<unknown>,
): Promise<unknown> {
  const probe = new DatagramProbe();
  const socket = await driver.bindDatagram({ address: LOOPBACK }, probe);
  try {
    return await run(socket.localAddress);
  } finally {
    socket.close();
    await probe.until(() => probe.closedTimes > 0);
  }
}

/** Runs with a folder of a mode, which holds a file and a folder. */
async function withFolder(
  mode: number,
  run: (folder: string) => Promise<unknown>,
): Promise<unknown> {
  const folder = mkdtempSync(join(tmpdir(), "signalbox-"));
  try {
    writeFileSync(join(folder, "file"), "precious");
    mkdirSync(join(folder, "folder"));
    chmodSync(folder, mode);
    return await run(folder);
  } finally {
    chmodSync(folder, 0o700);
    rmSync(folder, { recursive: true });
  }
}

interface Provocation {
  readonly what: string;
  readonly code: FaultCode;
  provoke(driver: Driver): Promise<unknown>;
}

const isAllowedAll = process.getuid?.() === 0;

/** Where nothing can be bound, whatever is bound there. */
function unbindable(
  what: string,
  provoke: (driver: Driver, address: SocketAddress) => Promise<unknown>,
): Provocation[] {
  return [
    {
      what: `${what} on an address of another machine`,
      code: "address-not-available",
      provoke: (driver) => provoke(driver, ELSEWHERE),
    },
    {
      what: `${what} on a host that nobody has`,
      code: "host-not-found",
      provoke: (driver) => provoke(driver, NOWHERE),
    },
    ...BAD_PORTS.map((port): Provocation => ({
      what: `${what} on port ${port}`,
      code: "invalid-address",
      provoke: (driver) => provoke(driver, inet("127.0.0.1", port)),
    })),
  ];
}

const SOCKETS: readonly Provocation[] = [
  {
    what: "connecting to a port that nobody listens on",
    code: "connection-refused",
    provoke: async (driver) => connecting(driver, await deadAddress(driver)),
  },
  ...["255.255.255.255", "224.0.0.1", "239.1.2.3", "ff02::1"].map((
    host,
  ): Provocation => ({
    what: `connecting to ${host}, which nobody can be`,
    code: "unreachable",
    provoke: (driver) => connecting(driver, inet(host, 9)),
  })),
  {
    what: "connecting from an address that is not this machine's",
    code: "address-not-available",
    provoke: (driver) =>
      besideListener(driver, (at) => connecting(driver, at, ELSEWHERE)),
  },
  {
    what: "listening on a port that is taken",
    code: "address-in-use",
    provoke: (driver) =>
      besideListener(driver, (taken) => listening(driver, taken)),
  },
  {
    what: "binding a datagram socket to a port that is taken",
    code: "address-in-use",
    provoke: (driver) =>
      besideDatagram(driver, (taken) => binding(driver, taken)),
  },
  ...unbindable("listening", listening),
  ...unbindable("binding a datagram socket", binding),
  {
    what: "connecting to a host that nobody has",
    code: "host-not-found",
    provoke: (driver) => connecting(driver, NOWHERE),
  },
  {
    what: "connecting a datagram socket to a host that nobody has",
    code: "host-not-found",
    provoke: (driver) => binding(driver, LOOPBACK, NOWHERE),
  },
  ...BAD_PORTS.map((port): Provocation => ({
    what: `connecting to port ${port}`,
    code: "invalid-address",
    provoke: (driver) => connecting(driver, inet("127.0.0.1", port)),
  })),
  {
    what: "connecting an IPv4 datagram socket to an IPv6 address",
    code: "invalid-address",
    provoke: (driver) => binding(driver, LOOPBACK, inet("::1", 9)),
  },
  {
    what: "sending a datagram to an IPv6 address from an IPv4 socket",
    code: "invalid-address",
    provoke: (driver) => sending(driver, 1, inet("::1", 9)),
  },
  {
    what: "sending a datagram of 65,508 bytes",
    code: "message-too-big",
    provoke: (driver) => sending(driver, 65_508, inet("127.0.0.1", 9)),
  },
];

const PATHS: readonly Provocation[] = [
  {
    what: "connecting to a path that nobody listens on",
    code: "connection-refused",
    provoke: (driver) =>
      withFolder(
        0o700,
        (folder) => connecting(driver, unix(join(folder, "none"))),
      ),
  },
  {
    what: "connecting to a file that is no socket",
    code: "connection-refused",
    provoke: (driver) =>
      withFolder(
        0o700,
        (folder) => connecting(driver, unix(join(folder, "file"))),
      ),
  },
  {
    what: "listening on a path in a folder that is not there",
    code: "address-not-available",
    provoke: (driver) =>
      withFolder(
        0o700,
        (folder) => listening(driver, unix(join(folder, "none", "a"))),
      ),
  },
  {
    what: "listening on the path of a file",
    code: "address-in-use",
    provoke: (driver) =>
      withFolder(
        0o700,
        (folder) => listening(driver, unix(join(folder, "file"))),
      ),
  },
  {
    what: "listening on the path of a folder",
    code: "address-in-use",
    provoke: (driver) =>
      withFolder(
        0o700,
        (folder) => listening(driver, unix(join(folder, "folder"))),
      ),
  },
  ...["", join(tmpdir(), "x".repeat(120)), join(tmpdir(), "a\0b")].flatMap(
    (path): Provocation[] => {
      const how = path === ""
        ? "an empty path"
        : path.includes("\0")
        ? "a path with a zero byte"
        : "a path that is too long";
      return [
        {
          what: `listening on ${how}`,
          code: "invalid-address",
          provoke: (driver) => listening(driver, unix(path)),
        },
        {
          what: `connecting to ${how}`,
          code: "invalid-address",
          provoke: (driver) => connecting(driver, unix(path)),
        },
      ];
    },
  ),
];

const WEB_SOCKETS: readonly Provocation[] = [
  {
    what: "listening for WebSockets on a port that is taken",
    code: "address-in-use",
    provoke: (driver) =>
      besideListener(driver, (taken) => serving(driver, taken)),
  },
  ...unbindable("listening for WebSockets", serving),
  {
    what: "listening for WebSockets on a path",
    code: "not-supported",
    provoke: (driver) =>
      withFolder(0o700, (folder) => serving(driver, unix(join(folder, "a")))),
  },
  {
    what: "connecting a WebSocket to a port that nobody listens on",
    code: "connection-refused",
    provoke: async (driver) => {
      const { port } = await deadAddress(driver);
      return await joining(driver, `ws://127.0.0.1:${port}/`);
    },
  },
  {
    what: "connecting a WebSocket to what is no URL",
    code: "invalid-address",
    provoke: (driver) => joining(driver, "nowhere"),
  },
  {
    what: "connecting a WebSocket to a URL of another scheme",
    code: "invalid-address",
    provoke: (driver) => joining(driver, "ftp://127.0.0.1/"),
  },
];

/** What the superuser may do anyway. */
const FORBIDDEN: readonly Provocation[] = [
  {
    what: "listening on a path in a folder without permission",
    code: "permission-denied",
    provoke: (driver) =>
      withFolder(0, (folder) => listening(driver, unix(join(folder, "a")))),
  },
  {
    what: "connecting to a path in a folder without permission",
    code: "permission-denied",
    provoke: (driver) =>
      withFolder(0, (folder) => connecting(driver, unix(join(folder, "a")))),
  },
];

function rowOf({ what, code, provoke }: Provocation): Row {
  return {
    name: `${what} is ${code}`,
    run: async ({ driver }) => {
      isFault(code)(await provoke(driver));
    },
  };
}

/** The faults of streams and datagrams. */
export const socketFaultRows: readonly Row[] = SOCKETS.map(rowOf);

/** The faults of Unix paths and of native WebSockets, which not every driver has. */
export const systemFaultRows: readonly Row[] = [
  ...[...PATHS, ...WEB_SOCKETS].map(rowOf),
  ...FORBIDDEN.map((row): Row =>
    isAllowedAll
      ? {
        name: `${row.what}: NOT PROVED here, the superuser may`,
        run: () => {},
      }
      : rowOf(row)
  ),
];
