import { createReceivedTree, type SourceTree } from "#builder";
import { type FileTypeName, toByteString } from "#linux";
import type { ValueOf } from "#grpc";
import { errors } from "../errors.ts";
import { type fileStatus, goMode, packet, packetType } from "../messages/filesync.ts";
import type { KeptDirectory } from "./kept-contents.ts";
import type { Session } from "./sessions.ts";

const diffCopy = "/moby.filesync.v1.FileSync/DiffCopy";

/** Which files of a client's directory are wanted. */
export type FileSelection = {
  /** The client's name for the directory: "context", "dockerfile", a named context's. */
  readonly name: string;
  /** Only these and what is below them. */
  readonly include?: readonly string[] | undefined;
  /** Lines of an ignore file. */
  readonly exclude?: readonly string[] | undefined;
  /** As `include`, with symbolic links followed to what they point to. */
  readonly follow?: readonly string[] | undefined;
};

/** Where received contents are kept, and who is told. */
export type ReceiveOptions = {
  readonly spoolPath: string;
  /** What is known of the directory from before. */
  readonly kept?: KeptDirectory | undefined;
  readonly signal: AbortSignal;
  /** Told now and then how many bytes have come. */
  readonly progress?: ((bytes: number) => void) | undefined;
};

/** Requests that are under way at once; the client works on four. */
const maximumRequests = 128;

/** Fetches files from a client. Owners are not carried: files of a context belong to nobody. */
export async function receiveFiles(
  session: Session,
  selection: FileSelection,
  options: ReceiveOptions,
): Promise<SourceTree> {
  if (!session.offers(diffCopy)) throw errors["session-without"]("the files of its directories");
  const { kept, spoolPath } = options;
  const { tree, add, content, reuse, contents } = createReceivedTree({ spoolPath, spool: kept?.spool });
  const stream = session.client.stream(diffCopy, packet, packet, {
    metadata: selectionMetadata(selection),
    signal: AbortSignal.any([options.signal, session.signal]),
  });
  const waiting: { readonly id: number; readonly path: string }[] = [];
  const incoming = new Map<number, ReturnType<typeof content>>();
  let next = 0;
  let named = false;
  let received = 0;

  const proceed = () => {
    while (incoming.size < maximumRequests) {
      const wanted = waiting.shift();
      if (wanted === undefined) break;
      incoming.set(wanted.id, content(wanted.path));
      // Not waited for: the client may not read before we have read what it sends.
      stream.send({ type: packetType.REQUEST, id: wanted.id }).catch(() => {});
    }
    if (named && incoming.size === 0) {
      stream.send({ type: packetType.FINISH }).catch(() => {});
      named = false;
    }
  };

  try {
    for await (const { type, status, id, data } of stream.messages) {
      switch (type) {
        case packetType.STATUS:
          if (status === undefined) {
            named = true;
          } else {
            const entry = entryOf(status as ValueOf<typeof fileStatus>);
            if (entry !== undefined) {
              add(entry);
              if (entry.type === "file" && entry.linkTarget === "") {
                const known = kept?.find(entry);
                if (known === undefined) waiting.push({ id: next, path: entry.path });
                else reuse(entry.path, known);
              }
            }
            next++;
          }
          proceed();
          break;
        case packetType.DATA: {
          const writer = incoming.get(id);
          if (writer === undefined) throw errors["session-protocol"]("it sent a file nobody asked for");
          if (data.length === 0) {
            writer.end();
            incoming.delete(id);
            proceed();
          } else {
            writer.write(data);
            received += data.length;
            options.progress?.(received);
          }
          break;
        }
        case packetType.FINISH:
          stream.finish();
          break;
        case packetType.ERROR:
          throw errors["session-files"](Buffer.from(data).toString());
      }
    }
  } catch (error) {
    tree.close();
    stream.cancel();
    throw error;
  }
  kept?.keep(contents());
  return tree;
}

function selectionMetadata(selection: FileSelection): ReadonlyMap<string, readonly string[]> {
  const metadata = new Map<string, readonly string[]>();
  const set = (name: string, values: readonly string[] | undefined) => {
    if (values === undefined || values.length === 0) return;
    // Headers carry visible ASCII; anything else goes as Go's url.QueryEscape writes it, and says so.
    const plain = values.every((value) => /^[!-~](?:[ -~]*[!-~])?$/.test(value) && !value.includes(", "));
    metadata.set(name, plain ? values : values.map((value) => encodeURIComponent(value).replaceAll("%20", "+")));
    if (!plain) metadata.set(`${name}-encoded`, ["1"]);
  };
  set("dir-name", [selection.name]);
  set("include-patterns", selection.include);
  set("exclude-patterns", selection.exclude);
  // Clients before BuildKit 0.13 know of no encoding; a pattern that may name more files is in ASCII.
  set(
    "followpaths",
    selection.follow?.map((path) => path.replace(/[^\0-\x7f]/gu, "?")),
  );
  return metadata;
}

/** A file's announcement as an entry; undefined for what is no file anybody could copy (a socket). */
function entryOf(
  status: ValueOf<typeof fileStatus>,
): Parameters<ReturnType<typeof createReceivedTree>["add"]>[0] | undefined {
  const type = typeOf(status.mode);
  if (type === undefined) return undefined;
  const { mode, modifiedAt } = status;
  return {
    // fsutil's paths are relative and clean; `add` refuses any other.
    path: toByteString(status.path.replace(/^\.?\/+/, "")),
    type,
    mode:
      (mode & 0o777) |
      ((mode & goMode.SETUID) === 0 ? 0 : 0o4000) |
      ((mode & goMode.SETGID) === 0 ? 0 : 0o2000) |
      ((mode & goMode.STICKY) === 0 ? 0 : 0o1000),
    uid: status.uid,
    gid: status.gid,
    sizeBytes: type === "file" ? status.sizeBytes : 0,
    mtimeSeconds: Number(modifiedAt / 1_000_000_000n),
    mtimeNanoseconds: Number(modifiedAt % 1_000_000_000n),
    linkTarget: type === "symlink" || type === "file" ? toByteString(status.linkName) : "",
    deviceMajor: status.deviceMajor,
    deviceMinor: status.deviceMinor,
    attributes: new Map(
      [...status.attributes]
        .filter(([name]) => name === "security.capability")
        .map(([name, value]) => [name, Buffer.from(value)]),
    ),
  };
}

function typeOf(mode: number): FileTypeName | undefined {
  if ((mode & goMode.DIRECTORY) !== 0) return "directory";
  if ((mode & goMode.SYMLINK) !== 0) return "symlink";
  if ((mode & goMode.NAMED_PIPE) !== 0) return "fifo";
  if ((mode & goMode.SOCKET) !== 0 || (mode & goMode.IRREGULAR) !== 0) return undefined;
  if ((mode & goMode.CHARACTER_DEVICE) !== 0) return "character";
  if ((mode & goMode.DEVICE) !== 0) return "block";
  return "file";
}
