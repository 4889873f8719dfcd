import { describe, expect, test } from "bun:test";
import { containerOwner, hostOwner, hostRoot, type IdMapping } from "./id-mapping.ts";

const mapping: IdMapping = {
  uids: [
    { containerId: 0, hostId: 100_000, size: 1000 },
    { containerId: 1000, hostId: 300_000, size: 500 },
  ],
  gids: [{ containerId: 0, hostId: 200_000, size: 65_536 }],
};

describe("hostOwner()", () => {
  test.each([
    [0, 0, 100_000, 200_000],
    [999, 5, 100_999, 200_005],
    [1000, 65_535, 300_000, 265_535],
    [1499, 1, 300_499, 200_001],
  ])("of %d:%d is %d:%d", (uid, gid, hostUid, hostGid) => {
    expect(hostOwner(mapping, { uid, gid })).toEqual({ uid: hostUid, gid: hostGid });
    expect(containerOwner(mapping, { uid: hostUid, gid: hostGid })).toEqual({ uid, gid });
  });

  test("without a mapping changes nothing", () => {
    expect(hostOwner(undefined, { uid: 7, gid: 8 })).toEqual({ uid: 7, gid: 8 });
    expect(hostRoot(undefined)).toEqual({ uid: 0, gid: 0 });
  });

  test("refuses ids beyond the ranges, in Docker's words", () => {
    expect(() => hostOwner(mapping, { uid: 1500, gid: 0 })).toThrow("Container ID 1500 cannot be mapped to a host ID");
    expect(() => hostOwner(mapping, { uid: 0, gid: 65_536 })).toThrow("Container ID 65536 cannot be mapped");
  });
});

test("containerOwner() leaves ids that are no container's as they are", () => {
  expect(containerOwner(mapping, { uid: 0, gid: 50 })).toEqual({ uid: 0, gid: 50 });
});

test("hostRoot() is the first id of each range", () => {
  expect(hostRoot(mapping)).toEqual({ uid: 100_000, gid: 200_000 });
});
