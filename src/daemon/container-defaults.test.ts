import { describe, expect, test } from "bun:test";
import { parseContainerDefaults } from "./container-defaults.ts";

describe("parseContainerDefaults()", () => {
  test("is Docker's without options", () => {
    expect(parseContainerDefaults({}, {})).toEqual({
      usernsRemap: "",
      initPath: "",
      shmSizeBytes: 64 * 1024 * 1024,
      ipcMode: "private",
      cgroupnsMode: undefined,
      ulimits: [],
      cdiDirectories: ["/etc/cdi", "/var/run/cdi"],
      seccompName: "builtin",
      seccompProfile: "builtin",
      storageSizeBytes: undefined,
      realtime: { periodUs: 0, runtimeUs: 0 },
    });
  });

  test("flags win over the file, limits by name", () => {
    const defaults = parseContainerDefaults(
      { "default-ulimit": ["nofile=10:20"], "default-shm-size": "1g", "storage-opt": ["overlay2.size=2g"] },
      {
        "default-ulimits": { nofile: { Name: "nofile", Soft: 1, Hard: 2 }, nproc: { Soft: 3, Hard: 4 } },
        "default-shm-size": "2g",
        "seccomp-profile": "unconfined",
        "cdi-spec-dirs": [],
      },
    );
    expect(defaults).toMatchObject({
      ulimits: [
        { Name: "nofile", Soft: 10, Hard: 20 },
        { Name: "nproc", Soft: 3, Hard: 4 },
      ],
      shmSizeBytes: 1024 ** 3,
      storageSizeBytes: 2 * 1024 ** 3,
      seccompProfile: "unconfined",
      cdiDirectories: [],
    });
  });

  test.each([
    [{ "default-ulimit": ["nofile"] }, "default-ulimit"],
    [{ "default-ulimit": ["nofile=3:1"] }, "default-ulimit"],
    [{ "default-shm-size": "big" }, "default-shm-size"],
    [{ "default-ipc-mode": "host" }, "default-ipc-mode"],
    [{ "default-cgroupns-mode": "own" }, "default-cgroupns-mode"],
    [{ "init-path": "tini" }, "init-path"],
    [{ "seccomp-profile": "/no/such/file" }, "seccomp-profile"],
    [{ "storage-opt": ["dm.basesize=1g"] }, "storage-opt"],
    [{ "cpu-rt-runtime": "much" }, "cpu-rt-runtime"],
  ])("refuses %j", (flags, option) => {
    expect(() => parseContainerDefaults(flags, {})).toThrow(option);
  });
});
