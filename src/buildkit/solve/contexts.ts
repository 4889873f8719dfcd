import { join } from "node:path";
import { type Digest, digestOf, newId, nowNanoseconds } from "#base";
import type { BuildContext, BuildEvent, NamedContext, SourceTree } from "#builder";
import { errors } from "../errors.ts";
import { type FileSelection, receiveFiles } from "../session/receive-files.ts";
import type { Session } from "../session/sessions.ts";

/** What fetching from a client needs. */
export type FetchParts = {
  readonly session: Session;
  /** The build's. */
  readonly reference: string;
  /** A folder of this build alone. */
  readonly directory: string;
  readonly emit: (event: BuildEvent) => void;
};

/** The Dockerfile as the client sent it, with the ignore file that holds. */
export type SentDockerfile = {
  readonly name: string;
  readonly text: string;
  readonly ignore: { readonly name: string; readonly text: string } | undefined;
};

/** Shows a piece of work before the build's own steps as one of its vertices. */
export async function asVertex<T>(
  emit: (event: BuildEvent) => void,
  name: string,
  work: (report: (id: string, current: number) => void) => Promise<T>,
  digest: Digest = digestOf(`${name} ${newId()}`),
): Promise<T> {
  const started = nowNanoseconds();
  const vertex = { kind: "vertex", digest, inputs: [], name, started, cached: false, source: undefined } as const;
  emit({ ...vertex, completed: undefined, error: undefined });
  let last: { readonly id: string; readonly current: number } | undefined;
  let toldAt = 0n;
  const status = (id: string, current: number, completed: bigint | undefined) =>
    emit({
      kind: "status",
      vertex: digest,
      id,
      current,
      total: 0,
      timestamp: nowNanoseconds(),
      started,
      completed,
    });
  try {
    const result = await work((id, current) => {
      last = { id, current };
      const now = nowNanoseconds();
      if (now - toldAt < 100_000_000n) return;
      toldAt = now;
      status(id, current, undefined);
    });
    if (last !== undefined) status(last.id, last.current, nowNanoseconds());
    emit({ ...vertex, completed: nowNanoseconds(), error: undefined });
    return result;
  } catch (error) {
    emit({ ...vertex, completed: nowNanoseconds(), error: error instanceof Error ? error.message : String(error) });
    throw error;
  }
}

/** Fetches files from a client under a name of the progress. */
async function fetch(
  parts: FetchParts,
  selection: FileSelection,
  what: string,
  report: (id: string, current: number) => void,
  signal: AbortSignal,
): Promise<SourceTree> {
  report(`transferring ${what}:`, 0);
  return receiveFiles(parts.session, selection, {
    spoolPath: join(parts.directory, newId().slice(0, 16)),
    signal,
    progress: (bytes) => report(`transferring ${what}:`, bytes),
  });
}

/** The vertex of reading a Dockerfile: what the builder says of it later is of the same one. */
function dockerfileVertex(reference: string, name: string): Digest {
  return digestOf(`dockerfile ${reference} ${name}`);
}

/** Fetches the Dockerfile, and the ignore file beside it or at the context's root. */
export async function fetchDockerfile(
  parts: FetchParts,
  names: { readonly dockerfile: string; readonly context: string | undefined; readonly file: string },
  signal: AbortSignal,
): Promise<SentDockerfile> {
  const { file } = names;
  const own = `${file}.dockerignore`;
  const found = await asVertex(
    parts.emit,
    `[internal] load build definition from ${file}`,
    async (report) => {
      const wanted = [file, own, ...(file === "Dockerfile" ? ["dockerfile", "dockerfile.dockerignore"] : [])];
      const tree = await fetch(parts, { name: names.dockerfile, follow: wanted }, "dockerfile", report, signal);
      try {
        for (const name of file === "Dockerfile" ? [file, "dockerfile"] : [file]) {
          const text = readText(tree, name);
          if (text === undefined) continue;
          const ignore = readText(tree, `${name}.dockerignore`);
          return {
            name,
            text,
            ignore: ignore === undefined ? undefined : { name: `${name}.dockerignore`, text: ignore },
          };
        }
      } finally {
        tree.close();
      }
      throw errors["solve-dockerfile-missing"](file);
    },
    dockerfileVertex(parts.reference, file),
  );
  if (found.ignore !== undefined || names.context === undefined) return found;
  const context = names.context;
  const ignore = await asVertex(parts.emit, "[internal] load .dockerignore", async (report) => {
    const tree = await fetch(parts, { name: context, follow: [".dockerignore"] }, "context", report, signal);
    try {
      return readText(tree, ".dockerignore");
    } finally {
      tree.close();
    }
  });
  return { ...found, ignore: ignore === undefined ? undefined : { name: ".dockerignore", text: ignore } };
}

/** A directory of the client's as a context: what the build needs of it is fetched when it first does. */
export function directoryOfClient(
  parts: FetchParts,
  name: string,
  vertex: string,
  ignore: SentDockerfile["ignore"],
): BuildContext {
  return {
    ignore,
    open: (need, signal) =>
      asVertex(parts.emit, vertex, (report) =>
        fetch(parts, { name, follow: need.paths, exclude: need.ignore }, "context", report, signal),
      ),
  };
}

/** A `--build-context` as the front end's attribute "context:NAME" has it. */
export function namedContextOf(
  parts: FetchParts,
  name: string,
  value: string,
  remote: (url: string) => BuildContext | undefined,
): NamedContext {
  const local = /^local:(.+)$/.exec(value)?.[1];
  if (local !== undefined) {
    return {
      kind: "files",
      context: directoryOfClient(parts, local, `[context ${name}] load from client`, undefined),
    };
  }
  const image = /^docker-image:\/\/(.+)$/.exec(value)?.[1];
  if (image !== undefined) return { kind: "image", reference: image };
  const context = remote(value);
  if (context !== undefined) return { kind: "files", context };
  throw errors["solve-option-unsupported"](
    `the build context ${JSON.stringify(name)} from ${JSON.stringify(value)}`,
    "known are directories, docker-image://, git repositories and http(s) addresses",
  );
}

/** Nobody writes a longer one; it is held in memory. */
const maximumTextBytes = 16 * 1024 * 1024;

function readText(tree: SourceTree, path: string): string | undefined {
  let entry = tree.find(path);
  for (let links = 0; entry?.type === "symlink" && links < 10; links++) {
    const folder = entry.path.split("/").slice(0, -1);
    const parts: string[] = entry.linkTarget.startsWith("/") ? [] : folder;
    for (const part of entry.linkTarget.split("/")) {
      if (part === "..") parts.pop();
      else if (part !== "" && part !== ".") parts.push(part);
    }
    entry = tree.find(parts.join("/"));
  }
  if (entry === undefined || entry.type !== "file" || entry.sizeBytes > maximumTextBytes) return undefined;
  const buffer = Buffer.alloc(entry.sizeBytes);
  const reader = tree.open(entry);
  let length = 0;
  while (length < buffer.length) {
    const count = reader.read(buffer.subarray(length), length);
    if (count === 0) break;
    length += count;
  }
  reader.close();
  return buffer.toString("utf8", 0, length);
}
