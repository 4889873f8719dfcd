import type { Digest } from "#base";
import type { ContainerConfig, ImageConfig } from "#formats";
import type { ImageRecord } from "#images";

/** Where a COPY takes its files from. */
export type CopyOrigin =
  | { readonly kind: "context" }
  | { readonly kind: "stage"; readonly index: number }
  | { readonly kind: "image"; readonly record: ImageRecord };

/** An operation on files: the input is the root file system before it, the output one layer. */
export type FileOperation =
  | {
      readonly kind: "run";
      readonly args: readonly string[];
      /** The image's environment, then build arguments. */
      readonly environment: readonly string[];
      /** What of the environment counts for the cache; undeclared proxies do not. */
      readonly keyedEnvironment: readonly string[];
      readonly directory: string;
      readonly user: string;
      readonly network: "default" | "none" | "host" | undefined;
      /** A script that is bound at a path for the step, from a here-document with `#!`. */
      readonly script: { readonly path: string; readonly text: string } | undefined;
      /** The command as errors and history name it. */
      readonly command: string;
    }
  | {
      readonly kind: "copy";
      readonly instruction: "COPY" | "ADD";
      readonly origin: CopyOrigin;
      readonly sources: readonly string[];
      /** Here-documents, already expanded. */
      readonly files: readonly { readonly name: string; readonly text: string }[];
      /** Absolute; with a trailing slash when it must be a directory. */
      readonly destination: string;
      readonly owner: string | undefined;
      readonly mode: number | undefined;
      readonly excludes: readonly string[];
      readonly unpack: boolean | undefined;
      readonly checksum: string | undefined;
    }
  | {
      readonly kind: "workdir";
      readonly path: string;
      /** Owner of the directory when it must be made. */
      readonly user: string;
    };

/** One instruction, ready to run. */
export type PlannedStep = {
  /** "Step 2/5 : RUN …"; undefined for a trigger of ONBUILD, which has no number. */
  readonly number: number | undefined;
  readonly source: string;
  readonly line: number;
  /** Undefined when only the image's config changes. */
  readonly operation: FileOperation | undefined;
  /** The history entry; of COPY the digest of what was copied completes it. */
  readonly createdBy: string | ((content: string) => string);
  /** The image's config after the step. */
  readonly config: ContainerConfig;
  readonly author: string | undefined;
  /** Lines for the user before the step's result. */
  readonly notes: readonly string[];
};

export type StageBase =
  | { readonly kind: "scratch" }
  | { readonly kind: "image"; readonly record: ImageRecord }
  | { readonly kind: "stage"; readonly index: number };

export type PlannedStage = {
  readonly index: number;
  readonly name: string | undefined;
  readonly number: number;
  readonly source: string;
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
  readonly platform: Pick<ImageConfig, "os" | "architecture" | "variant">;
};

/** What stands between two steps: layers and the image that a step's config would make. */
export type StageState = {
  readonly diffIds: readonly Digest[];
  readonly image: ImageConfig;
  /** Digest of that image's config; "" for an empty scratch. */
  readonly imageId: Digest | "";
};
