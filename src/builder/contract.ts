import type { Duplex } from "node:stream";
import type { Digest, IdMapping } from "#base";
import type { ImageConfig, Platform, UpdateContainerBody } from "#formats";
import type { ImageRecord } from "#images";
import type { FileUser } from "#linux";
import type { RegistryCredentials } from "#registry";
import type { LayoutBlobs, LayoutReference } from "./context/oci-layout.ts";
import type { SourceTree } from "./context/tree.ts";

/*
 * What a build is asked for, what it says while it runs and what comes of it. Routes and protocols make a `BuildRequest`
 * of whatever their clients sent and turn `BuildEvent`s into whatever their clients read; the engine knows neither.
 */

/** What of a context will be read, so that one on another machine need not be sent whole. Paths are relative to its root. */
export type ContextNeed = {
  /** Paths and patterns (as COPY reads them) that the build may touch; undefined for all. */
  readonly paths: readonly string[] | undefined;
  /** Lines of an ignore file that hold for the context. */
  readonly ignore: readonly string[];
};

/** The files a build may copy from. */
export type BuildContext =
  /** A tar stream, perhaps compressed: the body of `POST /build`. The client has applied its ignore file. */
  | AsyncIterable<Uint8Array>
  /** A directory of this machine, read in place with the rights of `user` (root's without one); its ignore file applies. */
  | { readonly directory: string; readonly user?: FileUser | undefined }
  /** Anything else (a git checkout, a client's session): asked for once, when the first step needs it. */
  | {
      readonly open: (need: ContextNeed, signal: AbortSignal) => Promise<SourceTree>;
      /** The ignore file that holds, when there is one: passed on as `need.ignore`, and known to the build checks. */
      readonly ignore?: IgnoreFile | undefined;
    };

/** An ignore file's name, for messages, and text. */
export type IgnoreFile = { readonly name: string; readonly text: string };

/** A `--build-context`: files, or an image in place of a stage or image of that name. */
export type NamedContext =
  | { readonly kind: "files"; readonly context: BuildContext }
  | { readonly kind: "image"; readonly reference: string }
  /** An image of an OCI layout, read when something needs it. */
  | { readonly kind: "layout"; readonly blobs: LayoutBlobs; readonly reference: LayoutReference };

/** Where RUN's secrets come from. */
export type SecretProvider = {
  /** The secret's bytes; undefined when there is none of that id. Asked anew for every step. */
  read(id: string, signal: AbortSignal): Promise<Uint8Array | undefined>;
};

/** The agents of `RUN --mount=type=ssh`. */
export type AgentProvider = {
  has(id: string, signal: AbortSignal): Promise<boolean>;
  /** A connection to the agent; a step may open many. */
  connect(id: string, signal: AbortSignal): Promise<Duplex>;
};

/** A source or destination of `--cache-from` and `--cache-to`. */
export type CacheLocation = {
  readonly type: "inline" | "registry" | "local" | "s3" | "azblob" | "gha";
  /** ref, src, dest, mode, compression, ignore-error, image-manifest, oci-mediatypes, mounts… */
  readonly attributes: Readonly<Record<string, string>>;
};

/** What a step may do beyond a container's rights; asked for by the request and given by whoever runs the daemon. */
export type Entitlement = "network.host" | "security.insecure" | "device";

/** The image a build came to, for one platform. */
export type BuiltImage = {
  readonly platform: Platform;
  readonly config: ImageConfig;
  /** Exactly these bytes are the config. */
  readonly configBytes: Uint8Array;
  readonly imageId: Digest;
  readonly diffIds: readonly Digest[];
  /** The image its lineage began with. */
  readonly base: ImageRecord | undefined;
  /** Stages that a bill of materials lists besides the image. */
  readonly listed?: readonly { readonly name: string; readonly diffIds: readonly Digest[] }[] | undefined;
};

/** What exporters get: everything is held until they are done. */
export type BuildOutcome = {
  /** One for each platform asked for, in that order. */
  readonly images: readonly BuiltImage[];
  /** Mounts the root file system of one of them for as long as `work` takes. What `work` changes is lost. */
  mount<T>(image: BuiltImage, work: (rootfs: string, idMapping: IdMapping | undefined) => Promise<T>): Promise<T>;
  /** Images and trees the build began from, for provenance. */
  readonly materials: readonly BuildMaterial[];
  readonly sourceDateEpoch: number | undefined;
  readonly signal: AbortSignal;
};

/** Something from outside that the build used. */
export type BuildMaterial = { readonly uri: string; readonly digest: string | undefined };

/** Takes a build's outcome somewhere: into the store, a directory of the client's, a registry, … */
export type BuildExporter = {
  /** Shown as the name of its vertex: "exporting to image". */
  readonly name: string;
  /** Returns what the client is told ("containerimage.digest", …). */
  export(outcome: BuildOutcome, progress: ExportProgress): Promise<Readonly<Record<string, string>>>;
};

/** How an exporter tells of its work; every id is one line below its vertex. */
export type ExportProgress = {
  status(line: Omit<BuildStatus, "kind" | "vertex" | "timestamp">): void;
  log(text: string): void;
};

/** A directory of a client's with the blobs of an OCI layout; its index is the client's to read and to write. */
export type CacheDirectory = {
  blob(digest: Digest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Stores a blob unless it is there; says whether it was sent. */
  putBlob(
    blob: { readonly digest: Digest; readonly sizeBytes: number; open(): AsyncIterable<Uint8Array> },
    signal: AbortSignal,
  ): Promise<boolean>;
  /** Nothing more is put there. `isWhole` is false when something failed on the way. */
  finish?(isWhole: boolean): Promise<void>;
};

/** A build: everything that any client can ask for. Optional fields have the meaning of their absence in Docker. */
export type BuildRequest = {
  /**
   * The directories of `type=local` caches when they are the client's: undefined for one that the client does not hold.
   * @default they are the daemon's
   */
  readonly cacheDirectory?: ((path: string) => CacheDirectory | undefined) | undefined;
  /**
   * Whose words history, messages and small habits (numeric `--target`, the image config's time) follow.
   * @default "classic"
   */
  readonly dialect?: "classic" | "buildkit" | undefined;
  /** What to do: build, or answer a question about the Dockerfile. @default "build" */
  readonly call?: BuildCall | undefined;
  /** The client's name for this build. */
  readonly reference?: string | undefined;
  readonly context: BuildContext;
  /** By name as given, "name" or "name::os/arch"; the name also stands for "name:latest". */
  readonly namedContexts?: ReadonlyMap<string, NamedContext> | undefined;
  /** Path of the Dockerfile within the context. @default "Dockerfile" */
  readonly dockerfile?: string | undefined;
  /** The Dockerfile itself, when it does not come from the context. */
  readonly dockerfileText?: string | undefined;
  /** The ignore file beside that Dockerfile; instead of the context's. */
  readonly dockerfileIgnore?: IgnoreFile | undefined;
  readonly tags: readonly string[];
  /** null: named without a value, i.e. unset. */
  readonly buildArgs: Readonly<Record<string, string | null>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly target: string | undefined;
  readonly noCache: boolean;
  /** Stages that ignore the cache. */
  readonly noCacheFilter?: readonly string[] | undefined;
  readonly pull: boolean;
  /** "default", "bridge", "none", "host", "container:<id>" or a network's name. */
  readonly networkMode: string | undefined;
  /** "name:address" or "name=address". */
  readonly extraHosts: readonly string[];
  /** The platform, or several separated by commas: then the Dockerfile is built for each. */
  readonly platform: string | undefined;
  /** Images whose layers may stand in for steps (classic `--cache-from`). */
  readonly cacheFrom: readonly string[];
  readonly cacheImports?: readonly CacheLocation[] | undefined;
  readonly cacheExports?: readonly CacheLocation[] | undefined;
  readonly squash: boolean;
  readonly shmSizeBytes: number | undefined;
  readonly cgroupParent: string | undefined;
  readonly securityOpt: readonly string[];
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[];
  /** Limits of all steps of the build together. */
  readonly resources: UpdateContainerBody;
  readonly entitlements?: readonly Entitlement[] | undefined;
  readonly secrets?: SecretProvider | undefined;
  readonly agents?: AgentProvider | undefined;
  /** Fetches images with this client's credentials; otherwise the builder's own way. */
  readonly pullImage?: PullImage | undefined;
  /** This client's credentials for a registry, for caches kept there. */
  readonly registryCredentials?: ((registry: string) => Promise<RegistryCredentials | undefined>) | undefined;
  /** Steps that may run at once. @default the machine's processors */
  readonly parallelism?: number | undefined;
  /** Where the result goes. Without any the image is kept in the store under `tags`. */
  readonly exporters?: readonly BuildExporter[] | undefined;
  /** Keep the state of a step that fails as an image: see `BuildFailure.debugImage`. */
  readonly debug?: boolean | undefined;
  /** Say that a step's container went; none is ever kept. */
  readonly remove: boolean;
  /** The same after a step that failed. */
  readonly forceRemove: boolean;
  /** A context from git or a URL, as the classic parameter has it. */
  readonly remote?: string | undefined;
  /** BuildKit's exporters as the classic parameter has them; refused. */
  readonly outputs?: string | undefined;
  /** The builder asked for. */
  readonly version?: string | undefined;
};

/** What a client wants of a Dockerfile: an image, or an answer. */
export type BuildCall = "build" | "check" | "outline" | "targets" | "describe";

/** The answer to a question about a Dockerfile, as clients read and print it. */
export type CallAnswer = {
  readonly json: string;
  readonly text: string;
  /** Of the form of the document. */
  readonly version: string;
  /** The exit status: 1 when a check found something. */
  readonly status: number;
};

/** Fetches an image that is not here, or anew for `pull`. */
export type PullImage = (
  reference: string,
  platform: Platform | undefined,
  signal: AbortSignal,
) => Promise<ImageRecord>;

/** Lines of a file, from 1, both included. */
export type SourceRange = { readonly file: string; readonly startLine: number; readonly endLine: number };

/** A node of the build's graph, sent again whenever something of it changes. Times are nanoseconds since the epoch. */
export type BuildVertex = {
  readonly kind: "vertex";
  readonly digest: Digest;
  readonly inputs: readonly Digest[];
  /** "[build 2/5] RUN make"; "[internal] load build context". */
  readonly name: string;
  readonly started: bigint | undefined;
  readonly completed: bigint | undefined;
  readonly cached: boolean;
  readonly error: string | undefined;
  readonly source: SourceRange | undefined;
};

/** Progress below a vertex: bytes of a transfer, a layer being written. */
export type BuildStatus = {
  readonly kind: "status";
  readonly vertex: Digest;
  readonly id: string;
  readonly current: number;
  /** 0 when unknown. */
  readonly total: number;
  readonly timestamp: bigint;
  readonly started: bigint | undefined;
  readonly completed: bigint | undefined;
};

/** Output of a step. */
export type BuildLog = {
  readonly kind: "log";
  readonly vertex: Digest;
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
  readonly timestamp: bigint;
};

/** What a build check found. */
export type BuildWarning = {
  readonly kind: "warning";
  readonly vertex: Digest;
  /** "StageNameCasing"; "" for a warning that is no rule's. */
  readonly rule: string;
  /** The rule's sentence about itself. */
  readonly description: string;
  readonly message: string;
  readonly url: string;
  readonly source: SourceRange;
};

/** One event of a build. Clients of the classic API read the `classic` ones and nothing else. */
export type BuildEvent =
  | BuildVertex
  | BuildStatus
  | BuildLog
  | BuildWarning
  /** The text of a `stream` record of `POST /build`, newlines included. */
  | { readonly kind: "classic"; readonly stream: string }
  /** The image of `POST /build`, told before its last lines. */
  | { readonly kind: "classic-image"; readonly imageId: string };

/** What became of one step and why: what `--explain` shows. */
export type StepReport = {
  readonly vertex: Digest;
  readonly name: string;
  readonly source: SourceRange | undefined;
  readonly outcome: "hit" | "miss" | "shared" | "imported" | "config";
  /** "the command is new here", "src/app.ts changed", "--no-cache", … */
  readonly reason: string;
  readonly milliseconds: number;
};

/** What a build came to. */
export type BuildResult = {
  /** The image of the first platform. */
  readonly imageId: string;
  readonly images: readonly BuiltImage[];
  readonly warnings: readonly BuildWarning[];
  readonly steps: readonly StepReport[];
  /** What the exporters returned, merged. */
  readonly exported: Readonly<Record<string, string>>;
  /** The answer to a question; undefined of a build. */
  readonly answer?: CallAnswer | undefined;
};

/** What an error of a failed step carries besides its message, under the property `failure`. */
export type BuildFailure = {
  readonly vertex: Digest;
  readonly source: SourceRange;
  /** The Dockerfile's lines at fault, numbered and marked as BuildKit shows them. */
  readonly excerpt: string;
  readonly command: string | undefined;
  readonly exitCode: number | undefined;
  /** With `debug`: an untagged image of the step's files as the failure left them, and how to enter it. */
  readonly debugImage:
    | {
        readonly id: string;
        readonly environment: readonly string[];
        readonly directory: string;
        readonly user: string;
        /** Host directories of the step's cache mounts. */
        readonly mounts: readonly { readonly source: string; readonly target: string }[];
      }
    | undefined;
};
