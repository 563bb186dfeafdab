/**
 * What every driver's datagram sockets must do with multicast groups.
 *
 * @module
 */

import assert from "node:assert/strict";
import { networkInterfaces } from "node:os";
import { bind, closeAll, insist } from "./_datagram_probe.ts";
import { calling, inet, isFault, pattern } from "./_probe.ts";
import type { Row } from "./driver_contract.ts";

/** An IPv4 and an IPv6 interface on which multicast works, as far as can be told without trying. */
function multicastInterfaces(): { ipv4?: string; ipv6?: string } {
  const found: { ipv4?: string; ipv6?: string } = {};
  for (const [name, addresses] of Object.entries(networkInterfaces())) {
    for (const { family, internal, address } of addresses ?? []) {
      if (internal) continue;
      if (family === "IPv4") found.ipv4 ??= address;
      if (family === "IPv6") found.ipv6 ??= name;
    }
  }
  return found;
}

const multicast = multicastInterfaces();

function multicastRow(
  name: string,
  wildcard: string,
  group: string,
  on: string,
): Row {
  return {
    name,
    run: async ({ driver }) => {
      const request = {
        reuseAddress: true,
        memberships: [{ group, interface: on }],
      };
      const first = await bind(driver, { ...request, address: inet(wildcard) });
      const { port } = first.socket.localAddress;
      const second = await bind(driver, {
        ...request,
        address: inet(wildcard, port),
      });
      const sender = await bind(driver, {
        address: inet(wildcard),
        multicastInterface: on,
        multicastTtl: 1,
        multicastLoopback: true,
      });
      assert(calling(() => sender.socket.send(pattern(10), group, port)));
      for (const { probe } of [first, second]) {
        await probe.until(() => probe.messages.length === 1);
        assert.deepEqual(probe.messages[0]?.data, pattern(10));
      }
      second.socket.leave({ group, interface: on });
      assert.throws(
        () => second.socket.leave({ group, interface: on }),
        isFault("address-not-available"),
      );
      second.socket.join({ group, interface: on });
      assert(calling(() => sender.socket.send(pattern(11), group, port)));
      await second.probe.until(() => second.probe.messages.length === 2);
      await closeAll(driver, first, second, sender);

      const silent = await bind(driver, {
        ...request,
        address: inet(wildcard, port),
      });
      const mute = await bind(driver, {
        address: inet(wildcard),
        multicastInterface: on,
        multicastLoopback: false,
      });
      assert(calling(() => mute.socket.send(pattern(12), group, port)));
      const loopback = wildcard === "::" ? "::1" : "127.0.0.1";
      await insist(driver, mute, silent, loopback);
      assert(
        silent.probe.messages.every(({ data }) => data.byteLength === 10),
        "it came back",
      );
      await closeAll(driver, silent, mute);
    },
  };
}

/** A group cannot be joined twice, neither in the request of the bind nor later. */
function twiceRow(wildcard: string, group: string, on?: string): Row {
  const membership = on === undefined ? { group } : { group, interface: on };
  const where = on === undefined ? "" : " on a named interface";
  return {
    name:
      `joining ${group} twice${where} is address-in-use, and leaves it joined`,
    run: async ({ driver }) => {
      const address = inet(wildcard);
      // Where some runtimes take another API, the answer is the same.
      for (const reuseAddress of [false, true]) {
        await assert.rejects(
          bind(driver, {
            address,
            reuseAddress,
            memberships: [membership, membership],
          }),
          isFault("address-in-use"),
        );
        const bound = await bind(driver, { address, reuseAddress });
        bound.socket.join(membership);
        for (let time = 0; time < 2; time++) {
          assert.throws(
            () => bound.socket.join(membership),
            isFault("address-in-use"),
          );
        }
        bound.socket.leave(membership);
        bound.socket.join(membership);
        await closeAll(driver, bound);
      }
    },
  };
}

/** Interfaces that no machine has, by the family of the socket. */
const NO_INTERFACES: readonly (readonly [string, string])[] = [
  ["0.0.0.0", "203.0.113.7"],
  ["0.0.0.0", "nosuch0"],
  ["0.0.0.0", "::1"],
  ["::", "nosuch0"],
  ["::", "127.0.0.1"],
];

export const multicastRows: readonly Row[] = [
  ...NO_INTERFACES.map(([wildcard, on]): Row => ({
    name:
      `sending multicast from the interface ${on} of a socket on ${wildcard} is address-not-available`,
    run: async ({ driver }) => {
      for (const reuseAddress of [false, true]) {
        await assert.rejects(
          bind(driver, {
            address: inet(wildcard),
            reuseAddress,
            multicastInterface: on,
          }),
          isFault("address-not-available"),
        );
      }
    },
  })),
  {
    name:
      "an IPv4 group on an interface that is not there is address-not-available",
    run: async ({ driver }) => {
      const membership = { group: "239.255.77.1", interface: "203.0.113.7" };
      for (const reuseAddress of [false, true]) {
        const request = { address: inet("0.0.0.0"), reuseAddress };
        await assert.rejects(
          bind(driver, { ...request, memberships: [membership] }),
          isFault("address-not-available"),
        );
        const bound = await bind(driver, request);
        assert.throws(
          () => bound.socket.join(membership),
          isFault("address-not-available"),
        );
        await closeAll(driver, bound);
      }
    },
  },
  ...(multicast.ipv4 === undefined ? [] : [
    twiceRow("0.0.0.0", "239.255.77.2"),
    twiceRow("0.0.0.0", "239.255.77.2", multicast.ipv4),
  ]),
  ...(multicast.ipv6 === undefined ? [] : [
    twiceRow("::", "ff12::7702", multicast.ipv6),
  ]),
  multicast.ipv4 === undefined
    ? {
      name:
        "IPv4 multicast: NOT PROVED here, there is no interface but loopback",
      run: () => {},
    }
    : multicastRow(
      "IPv4 multicast reaches two sockets on one port, and loops back unless told not to",
      "0.0.0.0",
      "239.255.77.1",
      multicast.ipv4,
    ),
  multicast.ipv6 === undefined
    ? {
      name:
        "IPv6 multicast: NOT PROVED here, there is no interface but loopback",
      run: () => {},
    }
    : multicastRow(
      "IPv6 multicast reaches two sockets on one port, and loops back unless told not to",
      "::",
      "ff12::7701",
      multicast.ipv6,
    ),
  {
    name:
      "an IPv6 group on an interface that is not there is address-not-available",
    run: ({ driver }) =>
      assert.rejects(
        bind(driver, {
          address: inet("::"),
          memberships: [{ group: "ff12::7701", interface: "nosuch0" }],
        }),
        isFault("address-not-available"),
      ),
  },
  ...[
    ["127.0.0.1", "10.0.0.1"],
    ["127.0.0.1", "ff12::7701"],
    ["::1", "239.255.77.1"],
    ["::1", "fe80::1"],
  ].map(([host = "", group = ""]): Row => ({
    name: `a datagram socket on ${host} cannot join ${group}: invalid-address`,
    run: async ({ driver }) => {
      const membership = { group };
      await assert.rejects(
        bind(driver, { address: inet(host), memberships: [membership] }),
        isFault("invalid-address"),
      );
      const bound = await bind(driver, { address: inet(host) });
      assert.throws(
        () => bound.socket.join(membership),
        isFault("invalid-address"),
      );
      await closeAll(driver, bound);
    },
  })),
];
