import type { SourceEntry, SourceTree } from "#builder";
import { fromByteString } from "#linux";
import type { ValueOf } from "#grpc";
import { errors } from "../errors.ts";
import { bytesMessage } from "../messages/control.ts";
import { type fileStatus, goMode, packet, packetType } from "../messages/filesync.ts";
import type { Session } from "./sessions.ts";

const fileSend = "/moby.filesync.v1.FileSend/DiffCopy";
const chunkBytes = 32 * 1024;

/** Which of a client's outputs is meant, when a build has several; clients before that had one. */
function outputMetadata(output: number): Map<string, readonly string[]> {
  return new Map([["buildkit-attachable-exporter-id", [String(output)]]]);
}

/** Sends one file to a client: a tar archive, as a stream. `describe` is what the client is told of it. */
export async function sendStream(
  session: Session,
  output: number,
  describe: ReadonlyMap<string, string>,
  chunks: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<void> {
  if (!session.offers(fileSend)) throw errors["session-without"]("a place for the output");
  const metadata = outputMetadata(output);
  for (const [name, value] of describe) metadata.set(`exporter-md-${name}`, [value]);
  const stream = session.client.stream(fileSend, bytesMessage, bytesMessage, {
    metadata,
    signal: AbortSignal.any([signal, session.signal]),
  });
  const ended = readToEnd(stream.messages);
  try {
    for await (const chunk of chunks) {
      for (let at = 0; at < chunk.length; at += 1024 * 1024) {
        await stream.send({ data: chunk.subarray(at, at + 1024 * 1024) });
      }
    }
  } catch (error) {
    stream.cancel();
    await ended.catch(() => {});
    throw error;
  }
  stream.finish();
  await ended;
}

async function readToEnd(messages: AsyncIterable<unknown>): Promise<void> {
  const iterator = messages[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

/** Sends a tree of files to a client's directory. `progress` is told how many bytes have gone. */
export async function sendTree(
  session: Session,
  output: number,
  tree: SourceTree,
  progress: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  if (!session.offers(fileSend)) throw errors["session-without"]("a directory for the output");
  const stream = session.client.stream(fileSend, packet, packet, {
    metadata: outputMetadata(output),
    signal: AbortSignal.any([signal, session.signal]),
  });
  const files = new Map<number, SourceEntry>();
  let requests = Promise.resolve();
  let sent = 0;
  let failed: unknown;
  const sendFile = async (id: number, entry: SourceEntry) => {
    const reader = tree.open(entry);
    try {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      for (let position = 0; ;) {
        const count = reader.read(buffer, position);
        if (count === 0) break;
        // The message is encoded, and so copied, before `send` returns.
        await stream.send({ type: packetType.DATA, id, data: buffer.subarray(0, count) });
        position += count;
        sent += count;
        progress(sent);
      }
    } finally {
      reader.close();
    }
    await stream.send({ type: packetType.DATA, id });
  };
  const answers = (async () => {
    for await (const { type, id, data } of stream.messages) {
      if (type === packetType.ERROR) throw errors["session-files"](Buffer.from(data).toString());
      if (type === packetType.REQUEST) {
        const entry = files.get(id);
        if (entry === undefined) throw errors["session-protocol"]("it asked for a file that is none");
        files.delete(id);
        requests = requests.then(() => sendFile(id, entry));
        requests.catch((error: unknown) => {
          failed ??= error;
          stream.cancel();
        });
      } else if (type === packetType.FINISH) {
        await requests;
        await stream.send({ type: packetType.FINISH });
        stream.finish();
      }
    }
  })();
  // Looked at below, once all has been announced.
  answers.catch(() => {});
  try {
    let next = 0;
    const first = new Map<string, string>();
    for (const entry of walk(tree, "")) {
      // Further names of a file are announced as links to its first one, which nobody asks for again.
      const link = entry.inodeKey === undefined ? undefined : first.get(entry.inodeKey);
      if (entry.inodeKey !== undefined && link === undefined) first.set(entry.inodeKey, entry.path);
      if (entry.type === "file" && link === undefined) files.set(next, entry);
      next++;
      const status = statusOf(entry);
      await stream.send({
        type: packetType.STATUS,
        status: link === undefined ? status : { ...status, linkName: fromByteString(link) },
      });
    }
    await stream.send({ type: packetType.STATUS });
    await answers;
  } catch (error) {
    stream.cancel();
    await answers.catch(() => {});
    throw failed ?? error;
  }
}

/** Everything below a directory in the order of fsutil: each directory before what it holds, names by their bytes. */
function* walk(tree: SourceTree, path: string): Generator<SourceEntry> {
  for (const entry of tree.list(path)) {
    yield entry;
    if (entry.type === "directory") yield* walk(tree, entry.path);
  }
}

function statusOf(entry: SourceEntry): Partial<ValueOf<typeof fileStatus>> {
  return {
    path: fromByteString(entry.path),
    mode: goModeOf(entry),
    uid: entry.uid,
    gid: entry.gid,
    sizeBytes: entry.sizeBytes,
    modifiedAt: BigInt(entry.mtimeSeconds) * 1_000_000_000n + BigInt(entry.mtimeNanoseconds),
    linkName: fromByteString(entry.linkTarget),
    deviceMajor: entry.deviceMajor,
    deviceMinor: entry.deviceMinor,
    attributes: entry.attributes,
  };
}

function goModeOf({ type, mode }: SourceEntry): number {
  let bits = mode & 0o777;
  if ((mode & 0o4000) !== 0) bits |= goMode.SETUID;
  if ((mode & 0o2000) !== 0) bits |= goMode.SETGID;
  if ((mode & 0o1000) !== 0) bits |= goMode.STICKY;
  switch (type) {
    case "directory":
      bits |= goMode.DIRECTORY;
      break;
    case "symlink":
      bits |= goMode.SYMLINK;
      break;
    case "fifo":
      bits |= goMode.NAMED_PIPE;
      break;
    case "character":
      bits |= goMode.DEVICE | goMode.CHARACTER_DEVICE;
      break;
    case "block":
      bits |= goMode.DEVICE;
      break;
    case "file":
      break;
  }
  return bits >>> 0;
}
