import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { newId } from "#base";
import {
  type BuildExporter,
  type BuildFacts,
  type BuildOutcome,
  type BuildRequest,
  type Builds,
  isDockerfileFrontend,
} from "#builder";
import { parseReference, type Platform, splitRepository } from "#formats";
import type { RegistryCredentials } from "#registry";
import { errors } from "../errors.ts";
import { type FrontendAttributes, isTrue, readAttributes } from "./attributes.ts";
import type { BuildClient } from "./build-client.ts";
import { filesOf } from "./build-files.ts";
import type { StartedBuild } from "./jobs.ts";

/** An exporter or a place of the cache as clients name them. */
export type Choice = { readonly type: string; readonly attributes: ReadonlyMap<string, string> };

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
            cacheExports: cacheExportsOf(options).map(cacheLocation),
            squash: false,
            securityOpt: [],
            entitlements: options.entitlements.map(entitlementOf),
            remove: true,
            forceRemove: true,
            debug: options.debug,
            ...(client === undefined
              ? {}
              : {
                  cacheDirectory: (path) => client.cacheDirectory(call, path),
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

/** Where the cache goes; BUILDKIT_INLINE_CACHE puts it into the image, as `type=inline` does. */
function cacheExportsOf({ attributes, cacheExports }: SolveOptions): readonly Choice[] {
  const isInline = isTrue(attributes.get("build-arg:BUILDKIT_INLINE_CACHE"));
  if (!isInline || cacheExports.some(({ type }) => type === "inline")) return cacheExports;
  return [...cacheExports, { type: "inline", attributes: new Map() }];
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
  const given = attributes.get("build-arg:BUILDKIT_BUILD_NAME");
  if (given !== undefined && given !== "") return given;
  const context = attributes.get("context") ?? attributes.get("vcs:localdir:context") ?? "";
  const last = context.replace(/\/+$/, "").split("/").pop() ?? "";
  return target === undefined ? last : `${last === "" ? "" : `${last}/`}${target}`;
}
