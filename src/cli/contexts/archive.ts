import { createTarParser, encodeTarHeader, plainTarHeader, tarEnd, tarPaddingOf } from "#wire";
import { cliErrors } from "../errors.ts";
import {
  type ContextDocument,
  parseContextDocument,
  readTls,
  type TlsContent,
  type TlsFile,
  tlsFiles,
} from "./store.ts";
import { isZip, readZip } from "./zip.ts";

/** docker's limit on an imported archive. */
const limitBytes = 10 * 1024 * 1024;

/** A context as docker exports it: `meta.json`, `tls/`, `tls/docker/*.pem`. */
export function packContext(document: ContextDocument): Uint8Array {
  const pieces: Uint8Array[] = [];
  const add = (path: string, content: Uint8Array | undefined, mode: number) => {
    const type = content === undefined ? "directory" : "file";
    pieces.push(encodeTarHeader(plainTarHeader({ path, type, mode, sizeBytes: content?.length ?? 0 })));
    if (content === undefined) return;
    pieces.push(content, new Uint8Array(tarPaddingOf(content.length)));
  };
  add("meta.json", Buffer.from(JSON.stringify(document)), 0o644);
  add("tls", undefined, 0o700);
  const tls = readTls(document.Name);
  const files = tlsFiles.filter((file) => tls[file] !== undefined);
  if (files.length > 0) add("tls/docker", undefined, 0o700);
  for (const file of files) add(`tls/docker/${file}`, tls[file], 0o600);
  pieces.push(tarEnd);
  return Buffer.concat(pieces);
}

function readTar(archive: Uint8Array): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  let path: string | undefined;
  let pieces: Uint8Array[] = [];
  const parser = createTarParser({
    entry(header) {
      path = header.type === "file" ? header.path : undefined;
      // Anything but files and directories has no place here; the name is checked by the caller.
      if (header.type !== "file" && header.type !== "directory") path = header.path;
      pieces = [];
    },
    data(bytes) {
      pieces.push(bytes.slice());
    },
    end() {
      if (path !== undefined) files.set(path, Buffer.concat(pieces));
    },
  });
  try {
    parser.write(archive);
    parser.finish();
  } catch {
    throw cliErrors["bad-option"]("unexpected EOF");
  }
  return files;
}

/** Reads an exported context, tar or zip; nothing but the files a context has may be in it. */
export function unpackContext(archive: Uint8Array): { document: ContextDocument; tls: TlsContent } {
  if (archive.length > limitBytes) throw cliErrors["bad-option"]("read exceeds the defined limit");
  const files = isZip(archive) ? readZip(archive, limitBytes) : readTar(archive);
  let document: ContextDocument | undefined;
  const tls: Partial<Record<TlsFile, Uint8Array>> = {};
  for (const [path, content] of files) {
    const match = /^tls\/docker\/(ca\.pem|cert\.pem|key\.pem)$/.exec(path);
    if (path === "meta.json") document = parseContextDocument(new TextDecoder().decode(content), path);
    else if (match !== null) tls[match[1] as TlsFile] = content;
    else throw cliErrors["bad-option"](`${path}: unexpected context file`);
  }
  if (document === undefined) throw cliErrors["bad-option"]("invalid context: no metadata found");
  return { document, tls };
}
