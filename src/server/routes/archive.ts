import { formatRfc3339Nano } from "#base";
import type { PathStat } from "#engine";
import type { FilesystemChange } from "#formats";
import { serverErrors } from "../errors.ts";
import { requestBody } from "../http/body.ts";
import { acceptedEncoding, encoded } from "../http/compression.ts";
import { emptyReply, jsonReply, route, type Route } from "../http/route.ts";
import { flag, text } from "../http/query.ts";
import { isGone, openStream, pump } from "../http/stream-reply.ts";

const statHeader = "X-Docker-Container-Path-Stat";
const changeKinds: Readonly<Record<"modified" | "added" | "deleted", FilesystemChange["Kind"]>> = {
  modified: 0,
  added: 1,
  deleted: 2,
};

function encodeStat(stat: PathStat): string {
  const document = {
    name: stat.name,
    size: stat.size,
    mode: stat.mode,
    mtime: formatRfc3339Nano(stat.modified),
    linkTarget: stat.linkTarget,
  };
  return Buffer.from(JSON.stringify(document)).toString("base64");
}

/** limits.h: PATH_MAX with its NUL, NAME_MAX. */
const PATH_LIMIT_BYTES = 4095;
const NAME_LIMIT_BYTES = 255;

function required(path: string | undefined): string {
  if (path === undefined) throw serverErrors["invalid-parameter"]("path", "", "a path in the container");
  if (
    Buffer.byteLength(path) > PATH_LIMIT_BYTES ||
    path.split("/").some((name) => Buffer.byteLength(name) > NAME_LIMIT_BYTES)
  )
    throw serverErrors["invalid-parameter"]("path", `${path.slice(0, 40)}…`, "a path that a file system can hold");
  return path;
}

/** Files of containers: cp, diff, export. */
export const archiveRoutes: readonly Route[] = [
  route({
    method: "HEAD",
    path: "/containers/{id}/archive",
    query: { path: text() },
    async handle({ parts: { engine }, params: { id = "" }, query }) {
      const stat = await engine.archives.stat(id, required(query.path));
      return emptyReply(200, [statHeader, encodeStat(stat), "Content-Type", "application/json"]);
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/archive",
    query: { path: text() },
    async handle({ parts: { engine }, params: { id = "" }, query, request, response }) {
      const { stat, tar } = await engine.archives.get(id, required(query.path));
      const encoding = acceptedEncoding(request.headers["accept-encoding"]);
      const headers: [string, string][] = [[statHeader, encodeStat(stat)]];
      if (encoding !== undefined) headers.push(["Content-Encoding", encoding]);
      openStream(response, "application/x-tar", headers);
      await pump(response, encoding === undefined ? tar : encoded(tar, encoding));
      if (!isGone(response)) response.end();
    },
  }),
  route({
    method: "PUT",
    path: "/containers/{id}/archive",
    query: { path: text(), noOverwriteDirNonDir: flag(), copyUIDGID: flag() },
    async handle({ parts: { engine }, params: { id = "" }, query, request }) {
      await engine.archives.put(id, required(query.path), requestBody(request), {
        noOverwriteDirectoryNonDirectory: query.noOverwriteDirNonDir,
        copyOwner: query.copyUIDGID,
      });
      return emptyReply(200);
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/changes",
    async handle({ parts: { engine }, params: { id = "" } }) {
      const changes = await engine.archives.changes(id);
      const documents: FilesystemChange[] = changes.map(({ path, kind }) => ({ Path: path, Kind: changeKinds[kind] }));
      return jsonReply(documents);
    },
  }),
  route({
    method: "GET",
    path: "/containers/{id}/export",
    async handle({ parts: { engine }, params: { id = "" }, response }) {
      const tar = await engine.archives.export(id);
      openStream(response, "application/octet-stream");
      await pump(response, tar);
      if (!isGone(response)) response.end();
    },
  }),
];
