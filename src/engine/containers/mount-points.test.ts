import { describe, expect, test } from "bun:test";
import { parseBind, parseMount, planMounts } from "./mount-points.ts";

describe("parseBind()", () => {
  test("tells a host directory from a volume", () => {
    expect(parseBind("/srv:/data:ro", undefined)).toMatchObject({
      type: "bind",
      source: "/srv",
      destination: "/data",
      writable: false,
    });
    expect(parseBind("web:/data", undefined)).toMatchObject({
      type: "volume",
      name: "web",
      anonymous: false,
      writable: true,
    });
    expect(parseBind("/data", undefined)).toMatchObject({ type: "volume", anonymous: true, destination: "/data" });
  });

  test.each([
    ["web:data", "mount path must be absolute"],
    ["/srv:/", "destination can't be '/'"],
    ["a:/b:ro:x", "invalid volume specification"],
    [":/b", "invalid volume specification"],
    ["/srv:/data:fast", "invalid mode: fast"],
    ["/srv:/data:ro,rw", "invalid mode: ro,rw"],
  ])("refuses %p", (specification, message) => {
    expect(() => parseBind(specification, undefined)).toThrow(message);
  });
});

describe("parseMount()", () => {
  test("refuses options of another type and missing sources in Docker's words", () => {
    expect(() => parseMount({ Type: "tmpfs", Target: "/t", BindOptions: {} }, undefined)).toThrow(
      'invalid mount config for type "tmpfs": field BindOptions must not be specified',
    );
    expect(() => parseMount({ Type: "bind", Target: "/t", Source: "/does/not/exist" }, undefined)).toThrow(
      'invalid mount config for type "bind": bind source path does not exist: /does/not/exist',
    );
    expect(() => parseMount({ Type: "volume", Source: "v" }, undefined)).toThrow("field Target must not be empty");
  });
});

describe("planMounts()", () => {
  test("refuses two mounts on one destination", () => {
    expect(() => planMounts({}, { Binds: ["/a:/x", "/b:/x"] }, () => [])).toThrow("Duplicate mount point: /x");
  });

  test("makes an anonymous volume only where nothing else is mounted", () => {
    const plan = planMounts(
      { Volumes: { "/data": {}, "/cache": {}, "/tmp": {} } },
      { Binds: ["v:/data"], Tmpfs: { "/tmp": "" } },
      () => [],
    );
    expect(plan.map(({ destination, anonymous }) => [destination, anonymous])).toEqual([
      ["/data", false],
      ["/cache", true],
    ]);
  });
});
