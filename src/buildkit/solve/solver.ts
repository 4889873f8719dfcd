import { createReadStream, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import {
  type AgentProvider,
  type BuildContext,
  type BuildEvent,
  type BuildExporter,
  type BuildFacts,
  type BuildOutcome,
  type BuildRequest,
  type Builds,
  type ExportDestination,
  fetchRemoteContext,
  isDockerfileFrontend,
  isRemoteContext,
  isTarStart,
  type LayoutBlobs,
  type NamedContext,
  parseLayoutReference,
  remoteNamedContext,
  type SecretProvider,
} from "#builder";
import { parseReference, type Platform, splitRepository } from "#formats";
import type { RegistryCredentials } from "#registry";
import { errors } from "../errors.ts";
import { type FrontendAttributes, readAttributes, withPrefix } from "./attributes.ts";
import { asVertex } from "./as-vertex.ts";
import type { StartedBuild } from "./jobs.ts";

/** An exporter or a place of the cache as clients name them. */
export type Choice = { readonly type: string; readonly attributes: ReadonlyMap<string, string> };

/** What a build's client is told of it when it is asked for something. */
export type ClientCall = {
  /** The build's reference. */
  readonly reference: string;
  /** A folder of the build's, which is removed with it. */
  readonly directory: string;
  readonly emit: (event: BuildEvent) => void;
  readonly signal: AbortSignal;
};

/** The Dockerfile as the client sent it, with the ignore file that holds. */
export type SentDockerfile = {
  readonly name: string;
  readonly text: string;
  readonly ignore: { readonly name: string; readonly text: string } | undefined;
};

/** Whoever asked for a build, as it stays reachable while the build runs. */
export type BuildClient = {
  /** The Dockerfile, when it does not come with a context from elsewhere. `isLocal`: the context is a directory of the client's. */
  dockerfile(call: ClientCall, file: string, isLocal: boolean): Promise<SentDockerfile>;
  /** The context that is a directory of the client's. */
  context(call: ClientCall, ignore: SentDockerfile["ignore"]): BuildContext;
  /** A named context that is a directory of the client's ("local:NAME"); undefined when the client has none of that name. */
  named(call: ClientCall, name: string, local: string): NamedContext | undefined;
  /** An OCI layout of the client's ("oci-layout://STORE"); undefined when the client has none of that name. */
  layout(call: ClientCall, store: string): LayoutBlobs | undefined;
  /** A stream that the client holds ready: its standard input. */
  stream(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  readonly secrets: SecretProvider;
  readonly agents: AgentProvider;
  /** The client's credentials for a registry ("docker.io"). */
  credentials(registry: string): Promise<RegistryCredentials | undefined>;
  /** Where output number `index` goes. */
  destination(index: number): ExportDestination;
};

/** What a client asked for, whichever way it did. */
export type SolveOptions = {
  readonly reference: string | undefined;
  readonly frontend: string;
  readonly attributes: FrontendAttributes;
  /** The client, once it is there; undefined when nothing of it is needed. */
  readonly client: ((signal: AbortSignal) => Promise<BuildClient>) | undefined;
  readonly exporters: readonly Choice[];
  /** Names for the image besides those in the exporters. */
  readonly tags: readonly string[];
  readonly cacheImports: readonly Choice[];
  readonly cacheExports: readonly Choice[];
  readonly entitlements: readonly string[];
  /** The context itself, when it comes some other way than the attributes say. */
  readonly context?: AsyncIterable<Uint8Array> | undefined;
  /** Keep the files of a step that fails. */
  readonly debug?: boolean | undefined;
};

/** Fetches an image from its registry as a user. */
export type PullWithCredentials = (
  reference: string,
  platform: Platform | undefined,
  credentials: RegistryCredentials | undefined,
  signal: AbortSignal,
) => ReturnType<NonNullable<BuildRequest["pullImage"]>>;

/** What the solver takes from elsewhere. */
export type SolverParts = {
  readonly builds: Builds;
  /** For what a build fetches; each gets a folder of its own there. */
  readonly directory: string;
  /** Certificates that fetched contexts are checked with. @default the host's */
  readonly caBundle: string | undefined;
  /** Fetches an image from its registry. */
  readonly pull: PullWithCredentials;
  /** What the named exporters do; refuses what cannot be done. */
  readonly exporters: (
    build: SolveOptions,
    client: BuildClient | undefined,
    facts: () => BuildFacts,
  ) => readonly BuildExporter[];
};

/** Begins builds for clients of BuildKit's protocol and of our own. */
export type Solver = {
  /**
   * Begins a build. It waits with its exports until `mayExport` settles, so that a client can look at the result first.
   */
  start(options: SolveOptions, mayExport: Promise<void>, signal: AbortSignal): StartedBuild;
};

function checkFrontend({ frontend, attributes }: SolveOptions): void {
  if (frontend === "" || frontend === "dockerfile.v0") return;
  const source = attributes.get("source");
  if (frontend === "gateway.v0" && isDockerfileFrontend(source ?? "")) return;
  throw errors["solve-frontend"](source ?? frontend);
}

/** Makes the solver. */
export function createSolver(parts: SolverParts): Solver {
  return {
    start: (options, mayExport, signal) => {
      const { attributes } = options;
      checkFrontend(options);
      const fromAttributes = readAttributes(attributes);
      const outcome = Promise.withResolvers<BuildOutcome>();
      // A build that fails says so through `done`.
      outcome.promise.catch(() => {});
      let dockerfile: { readonly filename: string; readonly text: string } | undefined;
      const directory = join(parts.directory, newId().slice(0, 16));
      const reference = options.reference ?? newId().slice(0, 25);
      const startedAt = new Date().toISOString();
      const facts = (): BuildFacts => ({
        reference,
        startedAt,
        attributes: Object.fromEntries(attributes),
        dockerfile: {
          name: dockerfile?.filename ?? attributes.get("filename") ?? "Dockerfile",
          text: dockerfile?.text,
        },
      });
      const running = parts.builds.start(
        {
          name: nameOf(attributes, fromAttributes.target),
          attributes: Object.fromEntries(attributes),
          exporters: options.exporters.map(({ type, attributes: more }) => ({
            type,
            attributes: Object.fromEntries(more),
          })),
        },
        async (emit, buildSignal) => {
          mkdirSync(directory, { recursive: true, mode: 0o700 });
          const client = await options.client?.(buildSignal);
          // Before anything is fetched: what cannot be made is not begun.
          const exporters = parts.exporters(options, client, facts);
          const call = { reference, directory, emit, signal: buildSignal };
          const files = await filesOf(parts, options, client, call);
          if (files.dockerfileText !== undefined) {
            dockerfile = { filename: files.dockerfile ?? "Dockerfile", text: files.dockerfileText };
          }
          return {
            ...fromAttributes,
            ...files,
            dialect: "buildkit",
            tags: [...options.tags],
            cacheFrom: [],
            cacheImports: options.cacheImports.map(cacheLocation),
            cacheExports: options.cacheExports.map(cacheLocation),
            squash: false,
            securityOpt: [],
            entitlements: options.entitlements.map(entitlementOf),
            remove: true,
            forceRemove: true,
            debug: options.debug,
            ...(client === undefined
              ? {}
              : {
                  secrets: client.secrets,
                  agents: client.agents,
                  registryCredentials: (registry) => client.credentials(registry),
                }),
            pullImage: async (image, platform, pullSignal) => {
              const { domain } = splitRepository(parseReference(image).repository);
              const credentials = await client?.credentials(domain);
              return parts.pull(image, platform, credentials, pullSignal);
            },
            exporters: gated(exporters, outcome, mayExport),
          } satisfies BuildRequest;
        },
        { reference, signal },
      );
      const done = running.done.finally(() => {
        rmSync(directory, { recursive: true, force: true });
        // A question about the Dockerfile built nothing that anybody would look up.
        if (fromAttributes.call !== "build") parts.builds.remove(reference);
      });
      done.catch((error: unknown) => outcome.reject(error));
      return {
        reference,
        outcome: outcome.promise,
        done,
        follow: (followSignal) => parts.builds.follow(reference, followSignal),
        dockerfile: () => dockerfile,
      };
    },
  };
}

/** The first exporter shows the outcome to whoever asked and waits for the word to go on. */
function gated(
  exporters: readonly BuildExporter[],
  outcome: PromiseWithResolvers<BuildOutcome>,
  mayExport: Promise<void>,
): readonly BuildExporter[] {
  const [first, ...others] = exporters;
  const gate = async (made: BuildOutcome) => {
    outcome.resolve(made);
    await mayExport;
    made.signal.throwIfAborted();
  };
  if (first === undefined) {
    return [
      {
        name: "",
        export: async (made) => {
          await gate(made);
          return {};
        },
      },
    ];
  }
  return [
    {
      name: first.name,
      export: async (made, progress) => {
        await gate(made);
        return first.export(made, progress);
      },
    },
    ...others,
  ];
}

function cacheLocation({ type, attributes }: Choice): NonNullable<BuildRequest["cacheImports"]>[number] {
  const known = (["inline", "registry", "local", "s3", "azblob", "gha"] as const).find((each) => each === type);
  if (known === undefined) {
    throw errors["solve-option-unsupported"](
      `a cache of type ${JSON.stringify(type)}`,
      "known are inline, registry, local, s3, azblob and gha",
    );
  }
  return { type: known, attributes: Object.fromEntries(attributes) };
}

function entitlementOf(name: string): NonNullable<BuildRequest["entitlements"]>[number] {
  if (name === "network.host" || name === "security.insecure" || name === "device") return name;
  throw errors["solve-option-unsupported"](
    `the entitlement ${JSON.stringify(name)}`,
    "known are network.host, security.insecure and device",
  );
}

function nameOf(attributes: FrontendAttributes, target: string | undefined): string {
  const context = attributes.get("context") ?? attributes.get("vcs:localdir:context") ?? "";
  const last = context.replace(/\/+$/, "").split("/").pop() ?? "";
  return target === undefined ? last : `${last === "" ? "" : `${last}/`}${target}`;
}

type Files = Pick<BuildRequest, "context" | "namedContexts" | "dockerfile" | "dockerfileText" | "dockerfileIgnore">;

/** Where the build's files and its Dockerfile come from. */
async function filesOf(
  parts: SolverParts,
  options: SolveOptions,
  client: BuildClient | undefined,
  call: ClientCall,
): Promise<Files> {
  const { attributes } = options;
  const file = attributes.get("filename") || "Dockerfile";
  const present = (what: string): BuildClient => {
    if (client === undefined) throw errors["session-missing"](what);
    return client;
  };
  const named = new Map<string, NamedContext>();
  for (const [name, value] of Object.entries(withPrefix(attributes, "context:"))) {
    named.set(
      name,
      namedContextOf(parts, () => present("a directory of the client"), call, name, value),
    );
  }
  const namedContexts = named.size === 0 ? {} : { namedContexts: named };
  if (options.context !== undefined) {
    return { ...namedContexts, dockerfile: file, ...(await contextOfStream(options.context)) };
  }
  const remote = attributes.get("context");
  if (remote === undefined || remote === "") {
    const from = present("a directory of the client");
    const sent = await from.dockerfile(call, file, true);
    return {
      ...namedContexts,
      context: from.context(call, sent.ignore),
      dockerfile: sent.name,
      dockerfileText: sent.text,
      dockerfileIgnore: sent.ignore,
    };
  }
  const files = await remoteFiles(parts, remote, present, call);
  // With a context from elsewhere the Dockerfile comes from there, unless the client sends one of its own.
  if (attributes.has("dockerfilekey")) {
    const sent = await present("a Dockerfile of the client").dockerfile(call, file, false);
    return {
      ...namedContexts,
      ...files,
      dockerfile: sent.name,
      dockerfileText: sent.text,
      dockerfileIgnore: sent.ignore,
    };
  }
  return { ...namedContexts, dockerfile: file, ...files };
}

/** A `--build-context` as the front end's attribute "context:NAME" has it. */
function namedContextOf(
  parts: SolverParts,
  client: () => BuildClient,
  call: ClientCall,
  name: string,
  value: string,
): NamedContext {
  const local = /^local:(.+)$/.exec(value)?.[1];
  if (local !== undefined) {
    const found = client().named(call, name, local);
    if (found !== undefined) return found;
  }
  const image = /^docker-image:\/\/(.+)$/.exec(value)?.[1];
  if (image !== undefined) return { kind: "image", reference: image };
  const layout = /^oci-layout:(?:\/\/)?(.+)$/.exec(value)?.[1];
  const placed = layout === undefined ? undefined : parseLayoutReference(layout);
  if (placed !== undefined) {
    const blobs = client().layout(call, placed.store);
    if (blobs !== undefined) return { kind: "layout", blobs, reference: placed.reference };
  }
  if (isRemoteContext(value)) {
    return {
      kind: "files",
      context: remoteNamedContext(value, {
        directory: call.directory,
        caBundle: parts.caBundle,
        progress: () => {},
      }),
    };
  }
  throw errors["solve-option-unsupported"](
    `the build context ${JSON.stringify(name)} from ${JSON.stringify(value)}`,
    "known are directories, docker-image://, oci-layout://, git repositories and http(s) addresses",
  );
}

/** What is at an address: the context, and perhaps the Dockerfile itself. */
async function remoteFiles(
  parts: SolverParts,
  url: string,
  client: (what: string) => BuildClient,
  call: ClientCall,
): Promise<Pick<Files, "context" | "dockerfileText">> {
  const upload = /^http:\/\/buildkit-session\/(.+)$/.exec(url)?.[1];
  if (upload !== undefined) {
    return contextOfStream(client("a context from standard input").stream(upload, call.signal));
  }
  if (!isRemoteContext(url)) {
    throw errors["solve-option-unsupported"](
      `the build context ${JSON.stringify(url)}`,
      "known are directories, archives, git repositories and http(s) addresses",
    );
  }
  const shown = url.replace(/\/\/[^/@]*@/, "//");
  const files = await asVertex(call.emit, `[internal] load remote build context ${shown}`, () =>
    fetchRemoteContext(url, { ...call, caBundle: parts.caBundle, progress: () => {} }),
  );
  switch (files.kind) {
    case "directory":
      return { context: { directory: files.directory } };
    case "archive":
      return { context: fileChunks(files.path) };
    case "dockerfile":
      return { context: noFiles(), dockerfileText: files.text };
  }
}

/** Nobody writes a longer Dockerfile; it is held in memory. */
const maximumTextBytes = 16 * 1024 * 1024;

/** What came on a client's standard input: an archive, or a Dockerfile without files. */
async function contextOfStream(stream: AsyncIterable<Uint8Array>): Promise<Pick<Files, "context" | "dockerfileText">> {
  const chunks = stream[Symbol.asyncIterator]();
  let start = Buffer.alloc(0);
  while (start.length < 512) {
    const next = await chunks.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  const rest = async function* (): AsyncGenerator<Uint8Array, void> {
    yield start;
    for (;;) {
      const next = await chunks.next();
      if (next.done === true) return;
      yield next.value;
    }
  };
  if (isTarStart(start)) return { context: rest() };
  const text: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of rest()) {
    length += chunk.length;
    if (length > maximumTextBytes) {
      throw errors["solve-option"]("context", "what came is neither an archive nor a Dockerfile");
    }
    text.push(chunk);
  }
  return { context: noFiles(), dockerfileText: Buffer.concat(text).toString("utf8") };
}

/** A file as a stream of bytes and nothing else: a stream of Node's has methods that a context may have too. */
async function* fileChunks(path: string): AsyncGenerator<Uint8Array, void> {
  for await (const chunk of createReadStream(path)) yield chunk as Uint8Array;
}

async function* noFiles(): AsyncGenerator<Uint8Array, void> {
  // An archive without members is two blocks of zeros.
  yield new Uint8Array(1024);
}
