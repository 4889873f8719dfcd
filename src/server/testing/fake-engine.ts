import type { Engine } from "#engine";
import { fakeArchives } from "./fake-archives.ts";
import { fakeContainers } from "./fake-containers.ts";
import { fakeEvents } from "./fake-events.ts";
import { fakeExecs } from "./fake-execs.ts";
import { fakeImages } from "./fake-images.ts";
import { fakeNetworks } from "./fake-networks.ts";
import { createFakeState, type FakeState } from "./fake-state.ts";
import { fakeSystem } from "./fake-system.ts";
import { fakeVolumes } from "./fake-volumes.ts";

/** An engine whose state a test can set and look at. */
export type FakeEngine = Engine & FakeState;

/** An engine without a kernel: enough behaviour for the protocol to be tested against. */
export function createFakeEngine(): FakeEngine {
  const fake = createFakeState();
  const steps: Engine["steps"] = {
    run: () => Promise.reject(new Error("the fake runs no steps")),
    deviceMountPoints: () => [],
    openGroup: () => ({ path: "/x", oomKills: () => 0, close: async () => {} }),
  };
  return Object.assign(fake, {
    containers: fakeContainers(fake),
    execs: fakeExecs(fake),
    archives: fakeArchives(fake),
    images: fakeImages(fake),
    networks: fakeNetworks(fake),
    volumes: fakeVolumes(fake),
    events: fakeEvents(),
    system: fakeSystem(fake),
    steps,
  });
}
