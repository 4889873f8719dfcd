import { join } from "node:path";
import { type Digest, digestOf, newId } from "#base";
import type { BuildContext, SourceTree } from "#builder";
import { parseIgnoreFile } from "#formats";
import { errors } from "../errors.ts";
import { asVertex } from "../solve/as-vertex.ts";
import type { BuildClient, ClientCall, SentDockerfile } from "../solve/build-client.ts";
import { cacheDirectoryOf, layoutOf, sendBlob, takesBlobs } from "./content-store.ts";
import { agentsOf, credentialsOf, secretsOf, uploadOf } from "./providers.ts";
import type { KeptContents } from "./kept-contents.ts";
import { type FileSelection, receiveFiles } from "./receive-files.ts";
import { sendStream, sendTree } from "./send-files.ts";
import type { Session } from "./sessions.ts";

/** A client that is reached over its session. `names` are its names for its directories. */
export function sessionClient(
  session: Session,
  names: { readonly context: string; readonly dockerfile: string },
  kept?: KeptContents,
): BuildClient {
  return {
    dockerfile: (call, file, isLocal) =>
      fetchDockerfile(session, call, { ...names, context: isLocal ? names.context : undefined, file }),
    context: (call, ignore) =>
      directoryOf({ session, kept }, call, names.context, "[internal] load build context", ignore),
    named: (call, name, local) => ({
      kind: "files",
      context: namedDirectoryOf({ session, kept }, call, name, local),
    }),
    layout: (_call, store) => layoutOf(session, store),
    cacheDirectory: (_call, path) => cacheDirectoryOf(session, path),
    stream: (path, signal) => uploadOf(session, path, signal),
    secrets: secretsOf(session),
    agents: agentsOf(session),
    credentials: (registry) => credentialsOf(session, registry),
    destination: (index) => ({
      stream: (describe, chunks, signal) => sendStream(session, index, describe, chunks, signal),
      tree: (tree, progress, signal) => sendTree(session, index, tree, progress, signal),
      layout: (tree, signal) =>
        takesBlobs(session) ? sendLayout(session, tree, signal) : sendTree(session, index, tree, () => {}, signal),
    }),
  };
}

/** Sends the blobs of an OCI layout; its index is the client's to write. */
async function sendLayout(session: Session, tree: SourceTree, signal: AbortSignal): Promise<void> {
  for (const entry of tree.list("blobs/sha256")) {
    const reader = tree.open(entry);
    const chunks = async function* (): AsyncGenerator<Uint8Array, void> {
      for (let offset = 0; ;) {
        const buffer = Buffer.alloc(1 << 20);
        const count = reader.read(buffer, offset);
        if (count === 0) return;
        offset += count;
        yield buffer.subarray(0, count);
      }
    };
    try {
      const digest: Digest = `sha256:${entry.path.slice("blobs/sha256/".length)}`;
      await sendBlob(session, "export", { digest, sizeBytes: entry.sizeBytes, chunks: chunks() }, signal);
    } finally {
      reader.close();
    }
  }
}

/** Fetches files from a client under a name of the progress. */
async function fetch(
  { session, kept }: Source,
  call: ClientCall,
  selection: FileSelection,
  what: string,
  report: (id: string, current: number) => void,
  signal: AbortSignal,
): Promise<SourceTree> {
  report(`transferring ${what}:`, 0);
  const key = session.sharedKey === "" ? undefined : `${session.sharedKey} ${session.name} ${selection.name}`;
  const directory = key === undefined ? undefined : kept?.open(key);
  try {
    return await receiveFiles(session, selection, {
      spoolPath: join(call.directory, newId().slice(0, 16)),
      kept: directory,
      signal,
      progress: (bytes) => report(`transferring ${what}:`, bytes),
    });
  } finally {
    directory?.release();
  }
}

/** A client, and what is kept of its directories. */
type Source = { readonly session: Session; readonly kept?: KeptContents | undefined };

/** The vertex of reading a Dockerfile: what the builder says of it later is of the same one. */
function dockerfileVertex(reference: string, name: string): Digest {
  return digestOf(`dockerfile ${reference} ${name}`);
}

/** Fetches the Dockerfile, and the ignore file beside it or at the context's root. */
async function fetchDockerfile(
  session: Session,
  call: ClientCall,
  names: { readonly dockerfile: string; readonly context: string | undefined; readonly file: string },
): Promise<SentDockerfile> {
  const { file, context } = names;
  const isDefault = file === "Dockerfile";
  const found = await asVertex(
    call.emit,
    `[internal] load build definition from ${file}`,
    async (report) => {
      const wanted = [file, `${file}.dockerignore`, ...(isDefault ? ["dockerfile", "dockerfile.dockerignore"] : [])];
      const selection = { name: names.dockerfile, follow: wanted };
      const tree = await fetch({ session }, call, selection, "dockerfile", report, call.signal);
      try {
        for (const name of isDefault ? [file, "dockerfile"] : [file]) {
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
    dockerfileVertex(call.reference, file),
  );
  if (found.ignore !== undefined || context === undefined) return found;
  const ignore = await asVertex(call.emit, "[internal] load .dockerignore", async (report) => {
    const selection = { name: context, follow: [".dockerignore"] };
    const tree = await fetch({ session }, call, selection, "context", report, call.signal);
    try {
      return readText(tree, ".dockerignore");
    } finally {
      tree.close();
    }
  });
  return { ...found, ignore: ignore === undefined ? undefined : { name: ".dockerignore", text: ignore } };
}

/** A directory of the client's as a context: what the build needs of it is fetched when it first does. */
function directoryOf(
  source: Source,
  call: ClientCall,
  name: string,
  vertex: string,
  ignore: SentDockerfile["ignore"],
): BuildContext {
  return {
    ignore,
    open: (need, signal) =>
      asVertex(call.emit, vertex, (report) =>
        fetch(source, call, { name, follow: need.paths, exclude: need.ignore }, "context", report, signal),
      ),
  };
}

/** A named context: its own ignore file holds for it. */
function namedDirectoryOf(source: Source, call: ClientCall, name: string, local: string): BuildContext {
  return {
    open: async (need, signal) => {
      const ignore = await asVertex(call.emit, `[context ${name}] load .dockerignore`, async (report) => {
        const tree = await fetch(
          { session: source.session },
          call,
          { name: local, follow: [".dockerignore"] },
          "context",
          report,
          signal,
        );
        try {
          return readText(tree, ".dockerignore");
        } finally {
          tree.close();
        }
      });
      const exclude = ignore === undefined ? need.ignore : parseIgnoreFile(ignore);
      return asVertex(call.emit, `[context ${name}] load from client`, (report) =>
        fetch(source, call, { name: local, follow: need.paths, exclude }, "context", report, signal),
      );
    },
  };
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
