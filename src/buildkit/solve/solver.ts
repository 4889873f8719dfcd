import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { EngineError, newId } from "#base";
import type {
  BuildContext,
  BuildEvent,
  BuildExporter,
  BuildFacts,
  BuildOutcome,
  BuildRequest,
  Builds,
  NamedContext,
} from "#builder";
import { errors } from "../errors.ts";
import { agentsOf, secretsOf, uploadOf } from "../session/providers.ts";
import type { Session, Sessions } from "../session/sessions.ts";
import { type FrontendAttributes, readAttributes, withPrefix } from "./attributes.ts";
import { directoryOfClient, fetchDockerfile, type FetchParts, namedContextOf } from "./contexts.ts";
import type { StartedBuild } from "./jobs.ts";

/** An exporter or a place of the cache as clients name them. */
export type Choice = { readonly type: string; readonly attributes: ReadonlyMap<string, string> };

/** What a client asked for, whichever way it did. */
export type SolveOptions = {
  readonly reference: string | undefined;
  readonly frontend: string;
  readonly attributes: FrontendAttributes;
  readonly session: string;
  readonly exporters: readonly Choice[];
  readonly cacheImports: readonly Choice[];
  readonly cacheExports: readonly Choice[];
  readonly entitlements: readonly string[];
  /** The context itself, when it comes some other way than the attributes say. */
  readonly context?: AsyncIterable<Uint8Array> | undefined;
};

/** What the solver takes from elsewhere. */
export type SolverParts = {
  readonly builds: Builds;
  readonly sessions: Sessions;
  /** For what a build fetches; each gets a folder of its own there. */
  readonly directory: string;
  /** A context from a git repository or an address; undefined for anything else. */
  readonly remoteContext: (url: string) => BuildContext | undefined;
  /** What the named exporters do; refuses what cannot be done. */
  readonly exporters: (
    choices: readonly Choice[],
    session: Session | undefined,
    build: SolveOptions,
    facts: () => BuildFacts,
  ) => readonly BuildExporter[];
};

/** Begins builds for clients of BuildKit's protocol. */
export type Solver = {
  /**
   * Begins a build. It waits with its exports until `mayExport` settles, so that a client can look at the result first.
   * @param listen gets every event
   */
  start(
    options: SolveOptions,
    mayExport: Promise<void>,
    signal: AbortSignal,
    listen?: (event: BuildEvent) => void,
  ): StartedBuild;
};

const dockerfileFrontends = new Set(["", "dockerfile.v0"]);

/** True for the image of the Dockerfile front end, which is what this builder is. */
function isDockerfileImage(source: string): boolean {
  return /^(?:docker\.io\/)?docker\/dockerfile(?:-upstream)?(?:[:@].*)?$/.test(source);
}

/** Makes the solver. */
export function createSolver(parts: SolverParts): Solver {
  return {
    start: (options, mayExport, signal, listen) => {
      const { attributes } = options;
      if (
        !dockerfileFrontends.has(options.frontend) &&
        !(options.frontend === "gateway.v0" && isDockerfileImage(attributes.get("source") ?? ""))
      ) {
        throw errors["solve-frontend"](attributes.get("source") ?? options.frontend);
      }
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
          const session = options.session === "" ? undefined : await parts.sessions.get(options.session, buildSignal);
          const files = await contextOf(
            parts,
            { session, reference, directory, emit, attributes, context: options.context },
            buildSignal,
          );
          if (files.dockerfileText !== undefined) {
            dockerfile = { filename: files.dockerfile ?? "Dockerfile", text: files.dockerfileText };
          }
          return {
            ...fromAttributes,
            ...files,
            dialect: "buildkit",
            tags: [],
            cacheFrom: [],
            cacheImports: options.cacheImports.map(cacheLocation),
            cacheExports: options.cacheExports.map(cacheLocation),
            squash: false,
            securityOpt: [],
            entitlements: options.entitlements.map(entitlementOf),
            remove: true,
            forceRemove: true,
            ...(session === undefined ? {} : { secrets: secretsOf(session), agents: agentsOf(session) }),
            exporters: gated(parts.exporters(options.exporters, session, options, facts), outcome, mayExport),
          } satisfies BuildRequest;
        },
        { reference, signal, listen },
      );
      const done = running.done.finally(() => {
        rmSync(directory, { recursive: true, force: true });
        // A question about the Dockerfile built nothing that anybody would look up.
        if (fromAttributes.call === "check") parts.builds.remove(running.reference);
      });
      done.catch((error: unknown) => outcome.reject(error));
      return {
        outcome: outcome.promise,
        done,
        follow: (followSignal) => parts.builds.follow(running.reference, followSignal),
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
  if (type !== "inline" && type !== "registry" && type !== "local") {
    throw errors["solve-option-unsupported"](
      `a cache of type ${JSON.stringify(type)}`,
      "known are inline, registry and local",
    );
  }
  return { type, attributes: Object.fromEntries(attributes) };
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
async function contextOf(
  parts: SolverParts,
  from: {
    readonly session: Session | undefined;
    readonly reference: string;
    readonly directory: string;
    readonly emit: (event: BuildEvent) => void;
    readonly attributes: FrontendAttributes;
    readonly context: AsyncIterable<Uint8Array> | undefined;
  },
  signal: AbortSignal,
): Promise<Files> {
  const { attributes, session } = from;
  const file = attributes.get("filename") || "Dockerfile";
  const contextName = attributes.get("contextkey") ?? "context";
  const dockerfileName = attributes.get("dockerfilekey") ?? "dockerfile";
  const fetchParts = (): FetchParts => {
    if (session === undefined) throw errors["session-missing"]("a directory of the client");
    return { ...from, session };
  };
  const named = new Map<string, NamedContext>();
  for (const [name, value] of Object.entries(withPrefix(attributes, "context:"))) {
    named.set(name, namedContextOf(fetchParts(), name, value, parts.remoteContext));
  }
  const namedContexts = named.size === 0 ? {} : { namedContexts: named };
  if (from.context !== undefined) return { ...namedContexts, context: from.context, dockerfile: file };
  const remote = attributes.get("context");
  if (remote === undefined || remote === "") {
    const sent = await fetchDockerfile(
      fetchParts(),
      { dockerfile: dockerfileName, context: contextName, file },
      signal,
    );
    return {
      ...namedContexts,
      context: directoryOfClient(fetchParts(), contextName, "[internal] load build context", sent.ignore),
      dockerfile: sent.name,
      dockerfileText: sent.text,
      dockerfileIgnore: sent.ignore,
    };
  }
  const context = remoteContextOf(parts, remote, session, signal);
  // With a remote context the Dockerfile comes from there, unless the client sends one of its own.
  if (attributes.has("dockerfilekey") && session !== undefined) {
    const sent = await fetchDockerfile(fetchParts(), { dockerfile: dockerfileName, context: undefined, file }, signal);
    return {
      ...namedContexts,
      context,
      dockerfile: sent.name,
      dockerfileText: sent.text,
      dockerfileIgnore: sent.ignore,
    };
  }
  return { ...namedContexts, context, dockerfile: file };
}

function remoteContextOf(
  parts: SolverParts,
  url: string,
  session: Session | undefined,
  signal: AbortSignal,
): BuildContext {
  const upload = /^http:\/\/buildkit-session\/(.+)$/.exec(url)?.[1];
  if (upload !== undefined) {
    if (session === undefined) throw errors["session-missing"]("a context from standard input");
    return uploadOf(session, upload, signal);
  }
  const context = parts.remoteContext(url);
  if (context !== undefined) return context;
  throw errors["solve-option-unsupported"](
    `the build context ${JSON.stringify(url)}`,
    "known are directories, archives, git repositories and http(s) addresses",
  );
}

/** True for an error that only says that somebody gave up. */
export function isCancelled(error: unknown): boolean {
  return error instanceof EngineError && error.kind === "cancelled";
}
