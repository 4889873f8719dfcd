import { EngineError } from "#base";
import type { ImageRecord } from "#images";
import type { BuildCall, BuildFailure, BuildResult, BuildWarning, CallAnswer } from "../contract.ts";
import type { OneBuild } from "../one-build.ts";
import { planPlatform } from "../plan-platform.ts";
import { hostPlatform } from "../plan/platform.ts";
import {
  answerCheck,
  answerOutline,
  answerQuestions,
  answerTargets,
  type AskedFile,
  type CheckFailure,
} from "./answers.ts";
import { createOutlineCollector } from "./outline.ts";
import { listTargets } from "./targets.ts";

/**
 * Answers what a request asks instead of a build; nothing is built.
 * @param begin reads the Dockerfile and makes of the request what can be planned
 */
export async function answerCall(
  call: Exclude<BuildCall, "build">,
  file: AskedFile,
  warnings: readonly BuildWarning[],
  begin: () => OneBuild,
): Promise<BuildResult> {
  const answer = await answerTo(call, file, warnings, begin);
  return { imageId: "", images: [], warnings, steps: [], exported: {}, answer };
}

async function answerTo(
  call: Exclude<BuildCall, "build">,
  file: AskedFile,
  warnings: readonly BuildWarning[],
  begin: () => OneBuild,
): Promise<CallAnswer> {
  switch (call) {
    case "describe":
      return answerQuestions();
    case "targets":
      return answerTargets(listTargets(begin().source.dockerfile), file);
    case "outline":
      return outlineOf(begin(), file);
    case "check": {
      // `warnings` fills while the Dockerfile is read and planned.
      const failure = await checkFailure(begin);
      return answerCheck(warnings, failure, file);
    }
  }
}

/** How a checked Dockerfile cannot be read or planned, which is an answer like any other; undefined when it can. */
async function checkFailure(begin: () => OneBuild): Promise<CheckFailure | undefined> {
  try {
    const build = begin();
    const [platform = ""] = (build.request.platform ?? "").split(",");
    await planPlatform(build, platform.trim(), {});
    return undefined;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    return failure;
  }
}

/** What is wrong with a Dockerfile at a place of it; undefined for errors of anything else. */
function failureOf(error: unknown): CheckFailure | undefined {
  if (!(error instanceof EngineError)) return undefined;
  const { failure } = error as { readonly failure?: BuildFailure };
  if (failure === undefined && error.code !== "build-checks-failed") return undefined;
  return { message: error.message, source: failure?.source };
}

/** What the target takes. Images that are not here are not fetched for it: only their ONBUILD could matter. */
async function outlineOf(build: OneBuild, file: AskedFile): Promise<CallAnswer> {
  const collector = createOutlineCollector();
  const [platform = ""] = (build.request.platform ?? "").split(",");
  const { catalog } = build.environment.parts.images;
  const plan = await planPlatform(build, platform.trim(), {
    outline: collector,
    findImage: async (reference) => catalog.find(reference) ?? unknownImage,
  });
  return answerOutline(collector.outline(build.source.dockerfile, plan), file);
}

/** Stands for an image nobody looked up. */
const unknownImage: ImageRecord = {
  id: "",
  config: { ...hostPlatform(), rootfs: { type: "layers", diff_ids: [] } },
  sizeBytes: 0,
  repoTags: [],
  repoDigests: [],
  lastTaggedMs: 0,
};
