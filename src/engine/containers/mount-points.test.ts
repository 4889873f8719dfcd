import { describe, expect, test } from "bun:test";
import { parseBind, parseMount, parseVolumesFrom, planMounts } from "./mount-points.ts";

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
    ["/srv:/data:z,Z", "invalid mode: z,Z"],
    ["/data:ro", "invalid volume specification: '/data:ro'"],
    ["web:/data:rshared", "invalid volume specification"],
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

describe("parseMount() of each type", () => {
  const bind = { Type: "bind", Source: "/tmp", Target: "/t" } as const;
  const volume = { Type: "volume", Source: "v1", Target: "/t" } as const;
  test.each([
    [{ ...bind, BindOptions: { ReadOnlyNonRecursive: true } }, "needs ReadOnly"],
    [{ ...bind, ReadOnly: true, BindOptions: { ReadOnlyForceRecursive: true, NonRecursive: true } }, "NonRecursive"],
    [{ ...bind, ReadOnly: true, BindOptions: { ReadOnlyForceRecursive: true, Propagation: "shared" } }, "rprivate"],
    [{ ...volume, VolumeOptions: { Subpath: "/abs" } }, "subpath must be a relative path within the volume"],
    [{ ...volume, VolumeOptions: { Subpath: "a/../../b" } }, "subpath must be a relative path within the volume"],
    [{ ...volume, Source: "", VolumeOptions: { Subpath: "a" } }, "must not set Subpath when using anonymous volumes"],
    [{ ...volume, Source: "", ReadOnly: true }, "must not set ReadOnly mode when using anonymous volumes"],
    [{ Type: "tmpfs", Target: "/t", TmpfsOptions: { Options: [["size", "1m"]] } }, "invalid option: size"],
    [{ Type: "tmpfs", Target: "/t", Source: "/tmp" }, "field Source must not be specified"],
    [{ Type: "image", Target: "/t" }, "field Source must not be empty"],
    [{ Type: "image", Target: "/t", Source: "i", ImageOptions: { Subpath: ".." } }, "subpath must be a relative path"],
    [{ Type: "cluster", Target: "/t", Source: "c" }, "mount type unknown"],
  ] as const)("refuses %j", (mount, message) => {
    expect(() => parseMount(mount as Parameters<typeof parseMount>[0], undefined)).toThrow(message);
  });

  test("a volume's subpath is not filled from the image", () => {
    expect(parseMount({ ...volume, VolumeOptions: { Subpath: "a" } }, undefined).volume?.copyUp).toBe(false);
    expect(parseMount(volume, undefined).volume?.copyUp).toBe(true);
  });
});

describe("parseVolumesFrom()", () => {
  test.each([
    ["web", true],
    ["web:ro", false],
    ["web:rw,z", true],
  ])("%p", (text, writable) => {
    expect(parseVolumesFrom(text)).toEqual({ container: "web", writable });
  });
  test.each(["web:slave", "web:nocopy", "web:fast"])("refuses %p", (text) => {
    expect(() => parseVolumesFrom(text)).toThrow(`invalid mode: ${text.slice(4)}`);
  });
});

describe("planMounts()", () => {
  test("refuses two mounts on one destination", () => {
    expect(() => planMounts({}, { Binds: ["/a:/x", "/b:/x"] }, () => [])).toThrow("Duplicate mount point: /x");
  });

  test("refuses what no tmpfs has", () => {
    expect(() => planMounts({}, { Tmpfs: { "/t": "size=1m,fast" } }, () => [])).toThrow(
      'invalid tmpfs option ["fast"]',
    );
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
