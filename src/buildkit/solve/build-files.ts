import { createReadStream } from "node:fs";
import {
  type BuildRequest,
  fetchRemoteContext,
  isRemoteContext,
  isTarStart,
  type NamedContext,
  parseLayoutReference,
  remoteNamedContext,
} from "#builder";
import { errors } from "../errors.ts";
import { asVertex } from "./as-vertex.ts";
import { type FrontendAttributes, isTrue, withPrefix } from "./attributes.ts";
import type { BuildClient, ClientCall } from "./build-client.ts";

type Files = Pick<BuildRequest, "context" | "namedContexts" | "dockerfile" | "dockerfileText" | "dockerfileIgnore">;

/** What fetching takes from elsewhere. */
type FilesParts = {
  /** Certificates that fetched contexts are checked with. @default the host's */
  readonly caBundle: string | undefined;
};

type Fetching = FilesParts & { readonly keepGitDirectory: boolean };

/** The part of a request that says where files are. */
type Asked = {
  readonly attributes: FrontendAttributes;
  /** The context itself, when it comes some other way than the attributes say. */
  readonly context?: AsyncIterable<Uint8Array> | undefined;
};

/** Where the build's files and its Dockerfile come from. */
export async function filesOf(
  parts: FilesParts,
  options: Asked,
  client: BuildClient | undefined,
  call: ClientCall,
): Promise<Files> {
  const { attributes } = options;
  const file = attributes.get("filename") || "Dockerfile";
  const present = (what: string): BuildClient => {
    if (client === undefined) throw errors["session-missing"](what);
    return client;
  };
  const fetching = { ...parts, keepGitDirectory: isTrue(attributes.get("build-arg:BUILDKIT_CONTEXT_KEEP_GIT_DIR")) };
  const named = new Map<string, NamedContext>();
  for (const [name, value] of Object.entries(withPrefix(attributes, "context:"))) {
    named.set(
      name,
      namedContextOf(fetching, () => present("a directory of the client"), call, name, value),
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
  const files = await remoteFiles(fetching, remote, present, call);
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
  parts: Fetching,
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
        ...parts,
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
  parts: Fetching,
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
    fetchRemoteContext(url, { ...call, ...parts, progress: () => {} }),
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
