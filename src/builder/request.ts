import type { UpdateContainerBody } from "#formats";

/** The files a build may copy from. */
export type BuildContext =
  /** A tar stream, perhaps compressed: the body of `POST /build`. */
  | AsyncIterable<Uint8Array>
  /** A directory of this machine, read in place; its `.dockerignore` applies. */
  | { readonly directory: string };

/** A classic build: every parameter of `POST /build`, checked for form. */
export type BuildRequest = {
  readonly context: BuildContext;
  /** Path of the Dockerfile within the context. @default "Dockerfile" */
  readonly dockerfile?: string | undefined;
  /** The Dockerfile itself, when it does not come from the context. */
  readonly dockerfileText?: string | undefined;
  readonly tags: readonly string[];
  /** null: named without a value, i.e. unset. */
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly noCache: boolean;
  readonly pull: boolean;
  /** "default", "bridge", "none", "host" or "container:<id>". */
  readonly networkMode: string | undefined;
  /** "name:address". */
  readonly extraHosts: readonly string[];
  readonly platform: string | undefined;
  /** Images whose layers may stand in for steps. */
  readonly cacheFrom: readonly string[];
  readonly squash: boolean;
  readonly shmSizeBytes: number | undefined;
  readonly cgroupParent: string | undefined;
  readonly securityOpt: readonly string[];
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  readonly resources: UpdateContainerBody;
  /** Say that a step's container went; none is ever kept. */
  readonly remove: boolean;
  /** The same after a step that failed. */
  readonly forceRemove: boolean;
  /** A context from git or a URL; refused. */
  readonly remote?: string | undefined;
  /** BuildKit's exporters; refused. */
  readonly outputs?: string | undefined;
  /** The builder asked for; only "1" is this one. */
  readonly version?: string | undefined;
};

/** One record of a build's output: what Docker's `stream` records carry, newlines included. */
export type BuildEvent = { readonly stream: string };
