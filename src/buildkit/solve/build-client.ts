import type {
  AgentProvider,
  BuildContext,
  BuildEvent,
  CacheDirectory,
  ExportDestination,
  LayoutBlobs,
  NamedContext,
  SecretProvider,
} from "#builder";
import type { RegistryCredentials } from "#registry";

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
  /** A directory of the client's with a cache; undefined when the client holds none, and it is the daemon's. */
  cacheDirectory(call: ClientCall, path: string): CacheDirectory | undefined;
  /** A stream that the client holds ready: its standard input. */
  stream(path: string, signal: AbortSignal): AsyncIterable<Uint8Array>;
  readonly secrets: SecretProvider;
  readonly agents: AgentProvider;
  /** The client's credentials for a registry ("docker.io"). */
  credentials(registry: string): Promise<RegistryCredentials | undefined>;
  /** Where output number `index` goes. */
  destination(index: number): ExportDestination;
};
