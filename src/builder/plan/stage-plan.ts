import type { ContainerConfig, Platform } from "#formats";
import type { ImageRecord } from "#images";
import type { OutlineListener } from "../calls/outline.ts";
import type { NamedContext } from "../contract.ts";
import type { Dockerfile } from "../parse/dockerfile.ts";
import type { HistoryStyle } from "./history.ts";
import type { PlannedStage, PlannedStep } from "./operation.ts";
import type { ArgumentScope, GivenArguments } from "./scope.ts";

export type PlanOptions = {
  readonly dialect?: "classic" | "buildkit" | undefined;
  readonly arguments: GivenArguments;
  /** Added to the target's labels. */
  readonly labels: Readonly<Record<string, string>>;
  /** A stage's name or (classic) index. @default the last stage */
  readonly target: string | undefined;
  readonly platform: string | undefined;
  /** Names of stages that ignore the cache. */
  readonly noCacheFilter?: readonly string[] | undefined;
  /** Finds the named context that stands for a stage or an image; undefined when none does. */
  readonly findContext?: ((name: string, platform: Platform) => NamedContext | undefined) | undefined;
  /** Finds (or fetches) the image a FROM or --from names. */
  readonly findImage: (reference: string, platform: Platform | undefined) => Promise<ImageRecord>;
  /** Reads the image of a named context that is an OCI layout. */
  readonly findLayout?:
    | ((context: Extract<NamedContext, { kind: "layout" }>, name: string, platform: Platform) => Promise<ImageRecord>)
    | undefined;
  /** Look at every stage, as for a check. @default false */
  readonly allStages?: boolean | undefined;
  /** Lines of the context's ignore file, for a check. */
  readonly ignore?: readonly string[] | undefined;
  /** Hears of arguments, secrets and agents. */
  readonly outline?: OutlineListener | undefined;
  /** Whether several platforms are built, so that names of steps say which. */
  readonly showsPlatform?: boolean | undefined;
};

/** A step before it gets its number. */
export type StepDraft = Omit<PlannedStep, "number">;

/** A stage while its steps are not numbered. */
export type StageDraft = {
  readonly stage: Omit<PlannedStage, "number" | "steps"> & { readonly steps: readonly StepDraft[] };
  readonly config: ContainerConfig;
  readonly scope: ArgumentScope;
  readonly platform: Platform;
  /** Whether a WORKDIR stands in this stage or one it continues. */
  readonly workdirSet: boolean;
};

/** What planning a stage works with. */
export type PlanContext = {
  readonly dockerfile: Dockerfile;
  readonly options: PlanOptions;
  readonly history: HistoryStyle;
  /** The scope before the first FROM. */
  readonly outer: ArgumentScope;
  readonly builtIn: ReadonlyMap<string, string>;
  readonly platform: Platform;
  readonly epoch: number | undefined;
  readonly contextPaths: Set<string>;
  /** Plans a stage once, whoever asks. `chain` are the stages that wait for it. */
  readonly draft: (index: number, chain: readonly number[]) => Promise<StageDraft>;
};
