import type { Digest } from "#base";
import type { ContainerConfig, ImageConfig, Platform } from "#formats";
import type { ImageRecord } from "#images";
import type { ModeChange } from "../copy/mode.ts";
import type { DeviceFlag } from "../parse/device-flag.ts";

/** Where a COPY or a mount takes its files from. */
export type FilesOrigin =
  | { readonly kind: "context" }
  /** A named context of files. */
  | { readonly kind: "named"; readonly name: string }
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "image"; readonly record: ImageRecord }
  /** Nothing: what a cache mount starts with. */
  | { readonly kind: "scratch" };

/** A `RUN --mount`, ready to be made. Targets are absolute. */
export type PlannedMount =
  | {
      readonly type: "bind";
      readonly origin: FilesOrigin;
      readonly source: string;
      readonly target: string;
      readonly readonly: boolean;
    }
  | {
      readonly type: "cache";
      readonly id: string;
      readonly sharing: "shared" | "private" | "locked";
      readonly origin: FilesOrigin;
      readonly source: string;
      readonly target: string;
      readonly readonly: boolean;
      /** Of a directory that is made; undefined when none of them was said. */
      readonly owner: { readonly mode: number; readonly uid: number; readonly gid: number } | undefined;
    }
  | { readonly type: "tmpfs"; readonly target: string; readonly sizeBytes: number | undefined }
  | {
      readonly type: "secret";
      readonly id: string;
      /** Undefined when it only becomes a variable. */
      readonly target: string | undefined;
      readonly env: string | undefined;
      readonly required: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    }
  | {
      readonly type: "ssh";
      readonly id: string;
      readonly target: string;
      readonly required: boolean;
      readonly mode: number;
      readonly uid: number;
      readonly gid: number;
    };

export type RunOperation = {
  readonly kind: "run";
  readonly args: readonly string[];
  /** The image's environment, then build arguments. */
  readonly environment: readonly string[];
  /** What of the environment counts for the cache; undeclared proxies do not. */
  readonly keyedEnvironment: readonly string[];
  readonly directory: string;
  readonly user: string;
  readonly network: "default" | "none" | "host" | undefined;
  readonly security: "sandbox" | "insecure";
  readonly hostname: string | undefined;
  readonly mounts: readonly PlannedMount[];
  readonly devices: readonly DeviceFlag[];
  /** A script that is bound at a path for the step, from a here-document with `#!`. */
  readonly script: { readonly path: string; readonly text: string } | undefined;
  /** The command as errors and history name it. */
  readonly command: string;
};

export type CopyOperation = {
  readonly kind: "copy";
  readonly instruction: "COPY" | "ADD";
  readonly origin: FilesOrigin;
  readonly sources: readonly string[];
  /** Here-documents, already expanded. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
  /** Absolute; with a trailing slash when it must be a directory. */
  readonly destination: string;
  readonly owner: string | undefined;
  readonly mode: ModeChange | undefined;
  readonly excludes: readonly string[];
  readonly unpack: boolean | undefined;
  readonly checksum: string | undefined;
  readonly keepGitDirectory: boolean | undefined;
  readonly link: boolean;
  readonly parents: boolean;
  /** SOURCE_DATE_EPOCH: the time of everything that is written. */
  readonly epoch: number | undefined;
};

export type WorkdirOperation = {
  readonly kind: "workdir";
  readonly path: string;
  /** Owner of the directory when it must be made. */
  readonly user: string;
  readonly epoch: number | undefined;
};

/** An operation on files: the input is the root file system before it, the output one layer. */
export type FileOperation = RunOperation | CopyOperation | WorkdirOperation;

/** One instruction, ready to run. */
export type PlannedStep = {
  /** "Step 2/5 : RUN …"; undefined for a trigger of ONBUILD, which has no number. */
  readonly number: number | undefined;
  readonly source: string;
  readonly startLine: number;
  readonly endLine: number;
  /** "[build 2/5] COPY a b" as BuildKit names the step; undefined for an edit of the config. */
  readonly vertexName: string | undefined;
  /** Undefined when only the image's config changes. */
  readonly operation: FileOperation | undefined;
  /** The history entry, undefined for none; of a classic COPY the digest of what was copied completes it. */
  readonly createdBy: string | undefined | ((content: string) => string);
  /** The image's config after the step. */
  readonly config: ContainerConfig;
  readonly author: string | undefined;
  /** Lines for the user before the step's result. */
  readonly notes: readonly string[];
};

export type StageBase =
  | { readonly kind: "scratch" }
  | { readonly kind: "image"; readonly record: ImageRecord }
  /** The files of a named context. */
  | { readonly kind: "files"; readonly name: string }
  | { readonly kind: "stage"; readonly index: number };

export type PlannedStage = {
  readonly index: number;
  readonly name: string | undefined;
  readonly number: number;
  readonly source: string;
  readonly startLine: number;
  readonly endLine: number;
  /** "[build 1/5] FROM debian"; undefined for scratch and stages on stages. */
  readonly vertexName: string | undefined;
  readonly noCache: boolean;
  /** Whether a bill of materials lists what is in it too (BUILDKIT_SBOM_SCAN_STAGE). */
  readonly isListed: boolean;
  /** What its commands are for: with `FROM --platform` another than the target's. */
  readonly platform: Platform;
  readonly base: StageBase;
  /** How many of the steps are ONBUILD triggers of the base. */
  readonly triggers: number;
  readonly steps: readonly PlannedStep[];
  /** The base's config with the builder's defaults, before the first step. */
  readonly initialConfig: ContainerConfig;
  /** Stages whose files this one needs, base included. */
  readonly needs: readonly number[];
};

/** Everything a build will do, known before anything is done. */
export type BuildPlan = {
  /** Only what the target needs, in the Dockerfile's order. */
  readonly stages: readonly PlannedStage[];
  readonly target: number;
  readonly totalSteps: number;
  /** ARGs before the first FROM, as steps. */
  readonly globalSteps: readonly { readonly number: number; readonly source: string }[];
  readonly unconsumed: readonly string[];
  readonly platform: Pick<ImageConfig, "os" | "architecture" | "variant" | "os.version">;
  /** SOURCE_DATE_EPOCH, in seconds. */
  readonly epoch: number | undefined;
  /** Paths of the context that COPY, ADD and mounts name; undefined for all of it. */
  readonly contextPaths: readonly string[] | undefined;
};

/** What stands between two steps: layers and the image that a step's config would make. */
export type StageState = {
  readonly diffIds: readonly Digest[];
  readonly image: ImageConfig;
  /** Digest of that image's config; "" for an empty scratch. */
  readonly imageId: Digest | "";
};
