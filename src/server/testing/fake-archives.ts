import type { Engine } from "#engine";
import { imageId } from "./fake-container.ts";
import type { FakeState } from "./fake-state.ts";

/** One file for every path. */
export function fakeArchives(fake: FakeState): Engine["archives"] {
  const service: Engine["archives"] = {
    async stat(container, path) {
      fake.record("archive stat", container, path);
      return { name: "f", size: 3, mode: 0o644, modified: 1_000_000_000n, linkTarget: "" };
    },
    async get(container, path) {
      return {
        stat: await service.stat(container, path),
        tar: (async function* () {
          yield Buffer.alloc(1024);
        })(),
      };
    },
    async put(container, path, tar, options) {
      let bytes = 0;
      for await (const chunk of tar) bytes += chunk.length;
      fake.record("archive put", container, path, bytes, options);
    },
    changes: async () => [{ kind: "added", path: "/a" }],
    export: async () =>
      (async function* () {
        yield Buffer.from("rootfs");
      })(),
    async commit(container, options) {
      fake.record("commit", container, options);
      fake.getContainer(container);
      return imageId;
    },
  };
  return service;
}
