import * as v from "valibot";
import type { BuildProgress } from "./build-progress.ts";

/*
 * Berth's own way to ask for a build (`POST /berth/v1/builds`): what `berth build` sends. Options are the front end's, as
 * BuildKit's clients spell them ("target", "build-arg:X", "platform"). What the daemon needs of the client besides, it is
 * brought by further requests: an archive (`…/uploads/NAME`), a place for an output (`…/outputs/N`), an SSH agent
 * (`…/agents/ID`).
 */

/** A directory of this machine; device and inode show that client and daemon mean the same one. */
const directorySchema = v.object({ path: v.string(), device: v.string(), inode: v.string() });

/** Files of the client's: a directory the daemon reads in place, or an archive that the client uploads under a name. */
const filesSchema = v.union([v.object({ directory: directorySchema }), v.object({ upload: v.string() })]);

const choiceSchema = v.object({ type: v.string(), attributes: v.record(v.string(), v.string()) });
const textFileSchema = v.object({ name: v.string(), text: v.string() });

/** The body of `POST /berth/v1/builds`. */
export const solveBuildSchema = v.object({
  /** The client's name for the build; further requests carry it. */
  reference: v.string(),
  attributes: v.record(v.string(), v.string()),
  /** Without one the attribute "context" says where it is fetched from. */
  context: v.optional(filesSchema),
  /** The Dockerfile, unless it comes with the context. */
  dockerfile: v.optional(textFileSchema),
  dockerfileIgnore: v.optional(textFileSchema),
  /** What "local:NAME" in an attribute "context:…" means. */
  locals: v.optional(v.record(v.string(), filesSchema)),
  /** Ids to values, base64. */
  secrets: v.optional(v.record(v.string(), v.string())),
  /** Ids of agents the client forwards. */
  agents: v.optional(v.array(v.string())),
  tags: v.optional(v.array(v.string())),
  outputs: v.optional(v.array(choiceSchema)),
  cacheImports: v.optional(v.array(choiceSchema)),
  cacheExports: v.optional(v.array(choiceSchema)),
  /**
   * Directories of `type=local` caches that are the client's: what is in one comes as the local "cache:DIRECTORY", what
   * goes into one is taken as an output, numbered after those of `outputs`.
   */
  cacheDirectories: v.optional(v.array(v.string())),
  entitlements: v.optional(v.array(v.string())),
  /** Keep the files of a step that fails. */
  debug: v.optional(v.boolean()),
});

/** The body of `POST /berth/v1/builds`. */
export type SolveBuildBody = v.InferInput<typeof solveBuildSchema>;

/** Files of the client's, as the body names them. */
export type BuildFilesBody = v.InferInput<typeof filesSchema>;

/** Why a step was done or not: `--explain`. */
export type BuildStepDocument = {
  readonly name: string;
  readonly outcome: string;
  readonly reason: string;
  readonly milliseconds: number;
};

/** How a build failed, beyond its message. */
export type BuildFailureDocument = {
  readonly excerpt?: string | undefined;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly exitCode?: number | undefined;
  readonly debugImage?:
    | {
        readonly id: string;
        readonly environment: readonly string[];
        readonly directory: string;
        readonly user: string;
        readonly mounts: readonly { readonly source: string; readonly target: string }[];
      }
    | undefined;
};

/** A line of the answer: progress, and at the end what came of it. */
export type BuildAnswer = BuildProgress & {
  readonly result?:
    | {
        readonly imageId: string;
        readonly exported: Readonly<Record<string, string>>;
        readonly steps: readonly BuildStepDocument[];
        /** The answer to a question about the Dockerfile (the attribute "requestid"), as BuildKit's clients read it. */
        readonly answer?: { readonly json: string; readonly text: string; readonly status: number } | undefined;
        readonly warnings: readonly {
          readonly rule: string;
          readonly description: string;
          readonly message: string;
          readonly url: string;
          readonly file: string;
          readonly line: number;
        }[];
      }
    | undefined;
  readonly error?:
    | {
        readonly kind: string;
        readonly code: string;
        readonly message: string;
        readonly hint?: string | undefined;
        readonly failure?: BuildFailureDocument | undefined;
      }
    | undefined;
};

/** A build of the history (`GET /berth/v1/builds`). */
export type BuildRecordDocument = {
  readonly Ref: string;
  readonly Name: string;
  readonly Status: "running" | "completed" | "error" | "canceled";
  readonly CreatedAt: string;
  readonly CompletedAt?: string | undefined;
  readonly Pinned: boolean;
  readonly Attributes: Readonly<Record<string, string>>;
  readonly Outputs: readonly { readonly Type: string; readonly Attributes: Readonly<Record<string, string>> }[];
  readonly Tags: readonly string[];
  readonly ImageID?: string | undefined;
  readonly Exported: Readonly<Record<string, string>>;
  readonly Error?: string | undefined;
  readonly Excerpt?: string | undefined;
  readonly TotalSteps: number;
  readonly CompletedSteps: number;
  readonly CachedSteps: number;
  readonly Warnings: number;
};
