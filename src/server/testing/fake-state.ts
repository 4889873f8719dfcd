import { EngineError } from "#base";
import type { Attachment, ContainerView, ImageRecord, LogRecord } from "#engine";
import { imageId } from "./fake-container.ts";
import { echoProcess } from "./fake-process.ts";

/** What a test can set or look at in the fake, and what its services share. */
export type FakeState = {
  /** Every call with its arguments, in order. */
  readonly calls: { readonly name: string; readonly args: readonly unknown[] }[];
  readonly views: Map<string, ContainerView>;
  readonly imageRecords: ImageRecord[];
  /** The process behind the next attach or exec; by default it echoes. */
  nextProcess: () => Attachment;
  logRecords: LogRecord[];
  /** Set to make the named call fail. */
  readonly failures: Map<string, EngineError>;
  /** Notes a call, and fails it where the test asked for that. */
  readonly record: (name: string, ...args: readonly unknown[]) => void;
  readonly getContainer: (reference: string) => ContainerView;
  readonly findImage: (reference: string) => ImageRecord | undefined;
  readonly getImage: (reference: string) => ImageRecord;
};

/** As the engine says it. */
export function notFound(message: string): EngineError {
  return new EngineError("not-found", "fake", message);
}

/** A fake without containers, with one image. */
export function createFakeState(): FakeState {
  const views = new Map<string, ContainerView>();
  const calls: FakeState["calls"] = [];
  const failures: FakeState["failures"] = new Map();
  const imageRecords: ImageRecord[] = [
    {
      id: imageId,
      config: {
        architecture: "amd64",
        os: "linux",
        created: "2026-01-02T03:04:05Z",
        config: { Cmd: ["bash"], Labels: { l: "1" } },
        rootfs: { type: "layers", diff_ids: [`sha256:${"2".repeat(64)}`] },
        history: [{ created: "2026-01-02T03:04:05Z", created_by: "bootstrap", comment: "made" }],
      },
      sizeBytes: 1000,
      repoTags: ["debian:bookworm"],
      repoDigests: [],
      lastTaggedMs: 0,
    },
  ];
  const record = (name: string, ...args: readonly unknown[]) => {
    calls.push({ name, args });
    const failure = failures.get(name);
    if (failure !== undefined) throw failure;
  };
  const getContainer = (reference: string): ContainerView => {
    const name = reference.replace(/^\//, "");
    for (const view of views.values())
      if (view.id === reference || view.name === name || (reference.length >= 4 && view.id.startsWith(reference)))
        return view;
    throw notFound(`No such container: ${reference}`);
  };
  const findImage = (reference: string) =>
    imageRecords.find(
      (image) =>
        image.id === reference ||
        image.repoTags.some((tag) => tag === reference || tag === `${reference}:latest`) ||
        (reference.length >= 4 && image.id.startsWith(`sha256:${reference}`)),
    );
  const getImage = (reference: string) => {
    const image = findImage(reference);
    if (image === undefined)
      throw notFound(`No such image: ${reference.includes(":") ? reference : `${reference}:latest`}`);
    return image;
  };
  return {
    calls,
    views,
    imageRecords,
    failures,
    logRecords: [],
    nextProcess: () => echoProcess(false),
    record,
    getContainer,
    findImage,
    getImage,
  };
}
