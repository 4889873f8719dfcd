import { expect, test } from "bun:test";
import type { IdMapping } from "#base";
import { containerAttributes, hostAttribute } from "./file-capabilities.ts";

const ids = [{ containerId: 0, hostId: 100_000, size: 65_536 }];
const mapping: IdMapping = { uids: ids, gids: ids };
// cap_net_raw+ep
const ping = Buffer.from("0100000200200000000000000000000000000000", "hex");

test("hostAttribute() gives capabilities to the containers' root, and containerAttributes() takes that back", () => {
  const host = hostAttribute(mapping, "security.capability", ping);
  expect(host.toString("hex")).toBe("0100000300200000000000000000000000000000a0860100");
  const attributes = new Map([["security.capability", host]]);
  expect(containerAttributes(mapping, attributes).get("security.capability")).toEqual(ping);
  expect(containerAttributes(undefined, attributes)).toBe(attributes);
});

test("hostAttribute() leaves what is no capability of the image alone", () => {
  const odd = Buffer.from("01000002", "hex");
  expect(hostAttribute(mapping, "security.capability", odd)).toBe(odd);
  expect(hostAttribute(mapping, "user.note", ping)).toBe(ping);
});

test("containerAttributes() leaves those of another root alone", () => {
  const others = Buffer.from("0100000300200000000000000000000000000000a1860100", "hex");
  const attributes = new Map([["security.capability", others]]);
  expect(containerAttributes(mapping, attributes)).toBe(attributes);
});
