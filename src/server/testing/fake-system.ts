import type { Engine } from "#engine";
import type { FakeState } from "./fake-state.ts";

/** A machine with two processors and runc. */
export function fakeSystem(fake: FakeState): Engine["system"] {
  return {
    info: () => ({
      instanceId: "fake",
      name: "host",
      dataRoot: "/var/lib/x",
      cgroupVersion: "1",
      labels: [],
      loggingDriver: "json-file",
      cdiDirectories: [],
      logDrivers: ["json-file"],
      cgroupDriver: "cgroupfs",
      kernelVersion: "6.18",
      operatingSystem: "Debian GNU/Linux 12",
      osVersion: "12",
      architecture: "x86_64",
      cpus: 2,
      memoryBytes: 1 << 30,
      storageDriver: "overlay2",
      storageStatus: [["Backing Filesystem", "extfs"]],
      runtimes: [{ name: "runc", path: "/usr/bin/runc", works: true, reason: "", version: "1.1.5" }],
      defaultRuntime: "runc",
      securityOptions: ["name=seccomp,profile=builtin"],
      capabilities: {
        memory: true,
        swap: true,
        pids: true,
        cpuShares: true,
        cpuset: true,
        cpuCfs: true,
        blkio: true,
        oomKillDisable: true,
      },
      warnings: [],
      containers: { total: fake.views.size, running: fake.views.size, paused: 0, stopped: 0 },
      images: fake.imageRecords.length,
      registryConfig: { InsecureRegistryCIDRs: null, IndexConfigs: {}, Mirrors: null },
      ipv4Forwarding: true,
    }),
    layersSize: async () => 1000,
  };
}
