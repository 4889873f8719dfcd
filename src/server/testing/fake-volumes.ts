import type { ContainerId } from "#base";
import type { Engine } from "#engine";
import { type FakeState, notFound } from "./fake-state.ts";

/** One volume named data. */
export function fakeVolumes(fake: FakeState): Engine["volumes"] {
  const volumes = [
    {
      name: "data",
      driver: "local" as const,
      mountpoint: "/var/lib/x/data",
      createdMs: 1_700_000_000_000,
      labels: { a: "b" },
      options: {},
      anonymous: false,
      usedBy: [] as ContainerId[],
    },
  ];
  const service: Engine["volumes"] = {
    async create(request) {
      fake.record("volume create", request);
      return { ...volumes[0]!, name: request.name ?? "anonymous", labels: request.labels ?? {} };
    },
    list: () => volumes,
    sizeOf: async () => 1234,
    get(name) {
      const volume = volumes.find((candidate) => candidate.name === name);
      if (volume === undefined) throw notFound(`get ${name}: no such volume`);
      return volume;
    },
    async remove(name, options) {
      fake.record("volume remove", name, options);
      service.get(name);
    },
    async prune(keep, options) {
      fake.record("volume prune", keep, options);
      return { deleted: [], reclaimedBytes: 0 };
    },
  };
  return service;
}
