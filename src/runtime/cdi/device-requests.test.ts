import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resolveDeviceRequests } from "./device-requests.ts";
import { readCdiDevices } from "./specification.ts";

let root: string;
let directories: string[];
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "berth-cdi-"));
  directories = ["first", "second", "missing"].map((name) => join(root, name));
  for (const name of directories.slice(0, 2)) mkdirSync(name);
  const specification = (file: string, value: object) =>
    writeFileSync(join(root, file), JSON.stringify({ cdiVersion: "0.6.0", ...value }));
  const device = (name: string, env: string) => ({ name, containerEdits: { env: [env] } });
  specification("first/a.json", { kind: "v.com/d", devices: [device("one", "A=first"), device("two", "B=first")] });
  specification("second/a.json", {
    kind: "v.com/d",
    devices: [device("one", "A=second")],
    containerEdits: {
      env: ["ALL=1"],
      hooks: [{ hookName: "createContainer", path: "/bin/true" }],
      additionalGids: [0, 44],
    },
  });
  specification("second/gpu.json", {
    kind: "nvidia.com/gpu",
    devices: ["0", "1", "all"].map((name) => device(name, `GPU_${name}=1`)),
  });
  specification("second/x.json", { kind: "v.com/twice", devices: [device("one", "X=1")] });
  specification("second/y.json", { kind: "v.com/twice", devices: [device("one", "X=2")] });
  writeFileSync(join(root, "second/broken.yaml"), "kind: [");
  writeFileSync(
    join(root, "second/nodes.yaml"),
    "cdiVersion: 0.6.0\nkind: v.com/node\ndevices:\n- name: null\n  containerEdits:\n    deviceNodes:\n    - {path: /dev/mine, hostPath: /dev/null, permissions: r}\n- name: gone\n  containerEdits:\n    deviceNodes:\n    - {path: /dev/no-such-device}\n".replace(
      "name: null",
      'name: "null"',
    ),
  );
});
afterAll(() => rmSync(root, { recursive: true, force: true }));
const resolve = (...DeviceRequests: object[]) => resolveDeviceRequests({ DeviceRequests }, directories);

describe("readCdiDevices()", () => {
  test("later directories win, conflicts in one are nobody's, broken files are named", () => {
    const { devices, problems } = readCdiDevices(directories);
    expect(devices.get("v.com/d=one")?.edits.env).toEqual(["A=second"]);
    expect(devices.has("v.com/d=two")).toBe(true);
    expect(devices.has("v.com/twice=one")).toBe(false);
    expect(problems.join()).toContain('conflicting device "v.com/twice=one"');
    expect(problems.join()).toContain("broken.yaml");
  });
});

describe("resolveDeviceRequests()", () => {
  test("is nothing when nothing is asked for", () => {
    expect(resolve()).toBeUndefined();
  });

  test("gathers what devices and their files bring, the latter once", () => {
    const edits = resolve({ Driver: "cdi", DeviceIDs: ["v.com/d=one", "v.com/d=two", "v.com/node=null"] });
    expect(edits).toMatchObject({
      env: ["ALL=1", "A=second", "B=first"],
      additionalGids: [44],
      hooks: { createContainer: [{ path: "/bin/true" }] },
      devices: [{ path: "/dev/mine", type: "c", major: 1, minor: 3 }],
      rules: [{ allow: true, type: "c", major: 1, minor: 3, access: "r" }],
    });
  });

  test.each([
    [{ Count: -1, Capabilities: [["gpu"]] }, ["GPU_all=1"]],
    [{ Count: 1, Capabilities: [["gpu"]] }, ["GPU_0=1"]],
    [{ Driver: "nvidia", Count: 2, Capabilities: [["gpu", "compute"]] }, ["GPU_0=1", "GPU_1=1"]],
    [{ DeviceIDs: ["1"], Capabilities: [["gpu"]] }, ["GPU_1=1"]],
  ])("%j means the host's GPUs", (request, env) => {
    expect(resolve(request)?.env).toEqual(env);
  });

  test.each([
    [
      { Driver: "cdi", DeviceIDs: ["v.com/d=three"] },
      "CDI device injection failed: unresolvable CDI devices v.com/d=three",
    ],
    [{ Driver: "cdi", Count: 1 }, "unexpected count in CDI device request"],
    [{ Driver: "cdi", Options: { a: "b" } }, "unexpected options in CDI device request"],
    [{ Driver: "cdi", DeviceIDs: ["v.com/node=gone"] }, 'failed to stat CDI host device "/dev/no-such-device"'],
    [{ Count: 3, Capabilities: [["gpu"]] }, 'could not select device driver "" with capabilities: [[gpu]]'],
    [
      { Count: 1, Capabilities: [["tpu", "fast"]] },
      'could not select device driver "" with capabilities: [[tpu fast]]',
    ],
    [{ Driver: "no-such", Capabilities: [["gpu"]] }, 'could not select device driver "no-such"'],
    [{ Count: 1, DeviceIDs: ["0"], Capabilities: [["gpu"]] }, "cannot set both Count and DeviceIDs"],
  ])("refuses %j", (request, sentence) => {
    expect(() => resolve(request)).toThrow(sentence);
  });
});
