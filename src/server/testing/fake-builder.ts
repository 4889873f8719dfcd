import { EngineError } from "#base";
import type { ImageBuilder, ServerParts } from "../parts.ts";
import { imageId } from "./fake-container.ts";

/** A builder that reads its context and succeeds, or fails as `failure` says. */
export function createFakeBuilder(): ImageBuilder & {
  readonly requests: Omit<Parameters<ImageBuilder["build"]>[0], "context">[];
  failure: unknown;
  contextBytes: number;
} {
  const builder: ReturnType<typeof createFakeBuilder> = {
    requests: [],
    failure: undefined,
    contextBytes: 0,
    async build({ context, ...request }, output) {
      builder.requests.push(request);
      // Output before the context was read: the body must go on arriving meanwhile.
      output({ kind: "classic", stream: "Step 1/1 : FROM scratch\n" });
      builder.contextBytes = 0;
      if (!(Symbol.asyncIterator in context)) throw new Error("the API sends a stream");
      for await (const chunk of context) builder.contextBytes += chunk.length;
      if (builder.failure !== undefined) throw builder.failure;
      output({ kind: "classic-image", imageId: imageId });
      output({ kind: "classic", stream: "Successfully built 111111111111\n" });
      return { imageId, images: [], warnings: [], steps: [], exported: {} };
    },
    changes: (instructions) => (config) => ({ ...config, OnBuild: [...instructions] }),
    cache: async () => [],
    prune: async () => ({ deleted: [], reclaimedBytes: 0 }),
    cacheMounts: {
      hold: async () => ({ directory: "/", release: () => {} }),
      list: () => [],
      remove: () => false,
      archive: () => (async function* () {})(),
      restore: async () => {},
      sweep: () => {},
    },
  };
  return builder;
}

/** A history that keeps nothing around a builder, and no BuildKit. */
export function createFakeBuilds(builder: ImageBuilder): Pick<ServerParts, "builds" | "buildKit"> {
  const nothing = () => {
    throw new Error("the fake history keeps nothing");
  };
  return {
    builds: {
      start: (_description, before, options = {}) => {
        const emit = options.listen ?? (() => {});
        const signal = options.signal ?? new AbortController().signal;
        const work = async () => builder.build(await before(emit, signal), emit, signal);
        return { reference: "fake", done: work(), cancel: () => {} };
      },
      list: () => [],
      find: () => undefined,
      follow: nothing,
      remove: nothing,
      pin: nothing,
      watch: () => {},
      cancel: () => false,
      sweep: () => {},
    },
    buildKit: () => Promise.reject(new EngineError("unsupported", "fake", "the fake speaks no BuildKit")),
  };
}
