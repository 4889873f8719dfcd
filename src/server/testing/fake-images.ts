import { EngineError } from "#base";
import type { Engine } from "#engine";
import { imageId } from "./fake-container.ts";
import type { FakeState } from "./fake-state.ts";

/** One image, and no registry that answers. */
export function fakeImages(fake: FakeState): Engine["images"] {
  const unreachable = () =>
    Promise.reject(
      new EngineError("not-found", "fake", "pull access denied for alpine, repository does not exist", {
        hint: "berth login",
      }),
    );
  const unused = () => Promise.reject(new Error("the fake has no such call"));
  return {
    find: fake.findImage,
    get: fake.getImage,
    list: () => fake.imageRecords,
    manifests: () => [],
    isFirstOf: () => true,
    directories: () => undefined,
    history: (reference) => [
      { id: fake.getImage(reference).id, sizeBytes: 5, tags: ["debian:bookworm"], created_by: "bootstrap" },
    ],
    save(references) {
      for (const reference of references) fake.getImage(reference);
      return (async function* () {
        yield Buffer.from("archive");
      })();
    },
    tag(source, reference) {
      fake.record("tag", source, reference);
      fake.getImage(source);
    },
    async remove(reference, options) {
      fake.record("image remove", reference, options);
      fake.getImage(reference);
      return [{ untagged: reference }, { deleted: imageId }];
    },
    async load(archive, progress) {
      let bytes = 0;
      for await (const chunk of archive) bytes += chunk.length;
      fake.record("load", bytes);
      progress({ status: "Loading layer", id: "aaaaaaaaaaaa", progress: { current: 1, total: 1 } });
      progress({ stream: "Loaded image: debian:bookworm\n" });
      return fake.imageRecords;
    },
    async importRootfs(archive, options) {
      let bytes = 0;
      for await (const chunk of archive) bytes += chunk.length;
      fake.record("import", bytes, options);
      return fake.getImage(imageId);
    },
    async prune(options) {
      fake.record("image prune", options);
      return { removed: [], reclaimedBytes: 0 };
    },
    bootstrap: unused,
    check: async (progress) => {
      progress({ status: "Good", id: "0123456789ab" });
      return { layers: 1, layerBytes: 400, images: 1, damage: [] };
    },
    pull: unreachable,
    push: unreachable,
    distribution: unreachable,
    login: unreachable,
    search: async (request) => {
      fake.record("search", request);
      return [
        { name: "debian", description: "A distribution", stars: 5000, isOfficial: true, isAutomated: false },
        { name: "someone/debian", description: "Another", stars: 3, isOfficial: false, isAutomated: true },
      ];
    },
    usedBy: () => [],
    sharedSizes: () => new Map([[imageId, 400]]),
  };
}
