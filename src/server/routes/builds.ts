import { statSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { EngineError, errorMessage, formatRfc3339Nano } from "#base";
import { type BuildContext, type BuildFailure, type BuildRecord, layoutOfTree, openTree, treeArchive } from "#builder";
import type { BuildClient, Choice } from "#buildkit";
import {
  type BuildAnswer,
  type BuildFilesBody,
  type BuildRecordDocument,
  type SolveBuildBody,
  solveBuildSchema,
} from "#formats";
import { asFileUser, type FileUser, groupsOf, peerOf } from "#linux";
import { decodeRegistryConfig } from "#registry";
import { clientCaches } from "./client-caches.ts";
import { serverErrors } from "../errors.ts";
import { requestBody } from "../http/body.ts";
import { flag } from "../http/query.ts";
import { emptyReply, hijackRoute, jsonReply, jsonRoute, route, type Route } from "../http/route.ts";
import { drained, isGone, openStream, pump } from "../http/stream-reply.ts";
import type { ServerParts } from "../parts.ts";
import { createMeeting } from "./build-meeting.ts";

/** An output that a client waits for. */
type WaitingOutput = { readonly response: ServerResponse };

const uploads = createMeeting<IncomingMessage>();
const outputs = createMeeting<WaitingOutput>();
const agents = createMeeting<Duplex>();
/** Builds that take further requests now. */
const open = new Set<string>();

/** The key under which two requests of a build meet; throws for a build that is not under way. */
function meetingKey(reference = "", what = ""): string {
  if (!open.has(reference)) throw serverErrors["no-such-build"](reference);
  return `${reference} ${what}`;
}

/** Berth's own way to build, and the history of builds. */
export const buildsRoutes: readonly Route[] = [
  jsonRoute({
    method: "POST",
    path: "/berth/v1/builds",
    body: solveBuildSchema,
    handle: ({ parts, body, request, response, signal }) => serveBuild(parts, body, request, response, signal),
  }),
  route({
    method: "POST",
    path: "/berth/v1/builds/{reference}/uploads/{name}",
    async handle({ params, request, signal }) {
      const given = uploads.offer(meetingKey(params["reference"], params["name"]), request);
      const left = new Promise<boolean>((resolve) => signal.addEventListener("abort", () => resolve(false)));
      if (await Promise.race([given, left])) {
        // Answered when it was read, so that the client knows that its archive is over here.
        await new Promise<void>((resolve) => {
          if (request.readableEnded) resolve();
          request.once("end", resolve);
          request.once("close", resolve);
        });
      }
      return emptyReply(204);
    },
  }),
  route({
    method: "POST",
    path: "/berth/v1/builds/{reference}/outputs/{number}",
    async handle({ params, response }) {
      const wasTaken = await outputs.offer(meetingKey(params["reference"], params["number"]), { response });
      if (!wasTaken && !isGone(response)) return emptyReply(204);
      return undefined;
    },
  }),
  hijackRoute({
    method: "POST",
    path: "/berth/v1/builds/{reference}/agents/{id}",
    async handle({ params, socket }) {
      socket.on("error", () => socket.destroy());
      const wasTaken = await agents.offer(meetingKey(params["reference"], params["id"]), socket);
      if (!wasTaken) return emptyReply(204);
      return undefined;
    },
  }),
  route({
    method: "GET",
    path: "/berth/v1/builds",
    handle: ({ parts }) => jsonReply(parts.builds.list().map(recordDocument)),
  }),
  route({
    method: "GET",
    path: "/berth/v1/builds/{reference}",
    handle: ({ parts, params }) => jsonReply(recordDocument(foundBuild(parts, params["reference"] ?? ""))),
  }),
  route({
    method: "GET",
    path: "/berth/v1/builds/{reference}/log",
    async handle({ parts, params, response, signal }) {
      const { reference } = foundBuild(parts, params["reference"] ?? "");
      openStream(response, "application/x-ndjson");
      for await (const progress of parts.builds.follow(reference, signal)) {
        if (isGone(response)) return;
        if (!response.write(`${JSON.stringify(progress)}\n`)) await drained(response);
      }
      if (!isGone(response)) response.end();
    },
  }),
  route({
    method: "DELETE",
    path: "/berth/v1/builds/{reference}",
    handle({ parts, params }) {
      parts.builds.remove(foundBuild(parts, params["reference"] ?? "").reference);
      return emptyReply(204);
    },
  }),
  route({
    method: "POST",
    path: "/berth/v1/builds/{reference}/pin",
    query: { pinned: flag(true) },
    handle({ parts, params, query }) {
      parts.builds.pin(foundBuild(parts, params["reference"] ?? "").reference, query.pinned);
      return emptyReply(204);
    },
  }),
];

function foundBuild(parts: ServerParts, reference: string): BuildRecord {
  const record = parts.builds.find(reference);
  if (record === undefined) throw serverErrors["no-such-build"](reference);
  return record;
}

/** The build: its progress as it happens, a result or an error as the last line. */
async function serveBuild(
  parts: ServerParts,
  body: SolveBuildBody,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const buildKit = await parts.buildKit();
  // Everything that can be seen to be wrong at once is refused with a status.
  const config = request.headers["x-registry-config"];
  const user = fileUserOf(request);
  checkCacheDirectories(body, user);
  const { client, close } = clientOf(body, user, decodeRegistryConfig(typeof config === "string" ? config : undefined));
  const build = buildKit.solve(
    {
      reference: body.reference,
      attributes: new Map(Object.entries(body.attributes)),
      client: () => Promise.resolve(client),
      exporters: (body.outputs ?? []).map(choiceOf),
      tags: body.tags ?? [],
      cacheImports: (body.cacheImports ?? []).map(choiceOf),
      cacheExports: (body.cacheExports ?? []).map(choiceOf),
      entitlements: body.entitlements ?? [],
      debug: body.debug,
    },
    signal,
  );
  open.add(body.reference);
  openStream(response, "application/x-ndjson");
  const write = async (answer: BuildAnswer) => {
    if (!isGone(response) && !response.write(`${JSON.stringify(answer)}\n`)) await drained(response);
  };
  const told = (async () => {
    for await (const progress of build.follow(signal)) await write(progress);
  })();
  told.catch(() => {});
  let last: BuildAnswer;
  try {
    const result = await build.done;
    last = {
      result: {
        imageId: result.imageId,
        exported: result.exported,
        answer: result.answer,
        steps: result.steps.map(({ name, outcome, reason, milliseconds }) => ({ name, outcome, reason, milliseconds })),
        warnings: result.warnings.map(({ rule, description, message, url, source }) => ({
          rule,
          description,
          message,
          url,
          file: source.file,
          line: source.startLine,
        })),
      },
    };
  } catch (error) {
    last = { error: errorDocument(error) };
  }
  await told.catch(() => {});
  open.delete(body.reference);
  uploads.close(`${body.reference} `);
  outputs.close(`${body.reference} `);
  agents.close(`${body.reference} `);
  close();
  await write(last);
  if (!isGone(response)) response.end();
}

function errorDocument(error: unknown): BuildAnswer["error"] {
  const { failure, exitCode } = error as { readonly failure?: BuildFailure; readonly exitCode?: number };
  const known = error instanceof EngineError ? error : undefined;
  return {
    kind: known?.kind ?? "internal",
    code: known?.code ?? "",
    message: errorMessage(error),
    hint: known?.hint,
    failure:
      failure === undefined && exitCode === undefined
        ? undefined
        : {
            excerpt: failure?.excerpt,
            file: failure?.source.file,
            line: failure?.source.startLine,
            exitCode: failure?.exitCode ?? exitCode,
            debugImage: failure?.debugImage,
          },
  };
}

function choiceOf({ type, attributes }: { type: string; attributes: Record<string, string> }): Choice {
  return { type, attributes: new Map(Object.entries(attributes)) };
}

/** Whose files a request may name: those of the user at the other end of a unix socket, nobody's from elsewhere. */
function fileUserOf(request: IncomingMessage): FileUser | undefined {
  const { fd } = (request.socket as unknown as { readonly _handle?: { readonly fd?: unknown } | null })._handle ?? {};
  const peer = typeof fd === "number" && fd >= 0 ? peerOf(fd) : undefined;
  return peer === undefined ? undefined : { uid: peer.uid, gid: peer.gid, groups: groupsOf(peer.pid) };
}

function clientOf(
  body: SolveBuildBody,
  user: FileUser | undefined,
  credentialsFor: ReturnType<typeof decodeRegistryConfig>,
): { readonly client: BuildClient; close(): void } {
  const files = (named: BuildFilesBody): BuildContext => {
    if ("upload" in named) return uploadedFiles(body.reference, named.upload);
    return { directory: checkedDirectory(named.directory, user), user };
  };
  const context = body.context === undefined ? undefined : files(body.context);
  const locals = new Map(Object.entries(body.locals ?? {}).map(([name, named]) => [name, files(named)]));
  const { dockerfile, secrets = {} } = body;
  const caches = clientCaches({
    directories: body.cacheDirectories ?? [],
    firstOutput: body.outputs?.length ?? 0,
    files: (path) => locals.get(`cache:${path}`),
    output: async (number, signal) => (await outputs.take(`${body.reference} ${number}`, signal)).response,
  });
  const client: BuildClient = {
    cacheDirectory: (call, path) => caches.find(path, call.directory),
    dockerfile: async (_call, file) => {
      if (dockerfile === undefined) throw serverErrors["build-without-dockerfile"](file);
      return { ...dockerfile, ignore: body.dockerfileIgnore };
    },
    context: () => {
      if (context === undefined) throw serverErrors["build-without-context"]();
      return context;
    },
    named: (_call, _name, local) => {
      const found = locals.get(local);
      return found === undefined ? undefined : { kind: "files", context: found };
    },
    layout: (call, store) => {
      const found = locals.get(store);
      return found === undefined ? undefined : layoutOfTree((signal) => openTree(found, call.directory, signal));
    },
    stream: (path) => uploadedFiles(body.reference, path),
    credentials: async (registry) => credentialsFor(registry),
    secrets: {
      read: async (id) =>
        Object.hasOwn(secrets, id) ? Uint8Array.from(Buffer.from(secrets[id] ?? "", "base64")) : undefined,
    },
    agents: {
      has: async (id) => (body.agents ?? []).includes(id),
      connect: async (id, signal) => {
        const socket = await agents.take(`${body.reference} ${id}`, signal);
        socket.write("HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n");
        return socket;
      },
    },
    destination: (index) => {
      const send = async (chunks: AsyncIterable<Uint8Array>, signal: AbortSignal) => {
        const { response } = await outputs.take(`${body.reference} ${index}`, signal);
        openStream(response, "application/x-tar");
        try {
          await pump(response, chunks);
        } catch (error) {
          // Half an archive must not look like a whole one.
          response.destroy();
          throw error;
        }
        if (isGone(response)) throw serverErrors["build-output-lost"]();
        await new Promise<void>((resolve) => response.end(resolve));
      };
      return {
        stream: (_describe, chunks, signal) => send(chunks, signal),
        tree: (tree, _progress, signal) => send(treeArchive(tree), signal),
        layout: (tree, signal) => send(treeArchive(tree), signal),
      };
    },
  };
  return { client, close: () => caches.close() };
}

async function* uploadedFiles(reference: string, name: string): AsyncGenerator<Uint8Array, void> {
  const request = await uploads.take(`${reference} ${name}`, AbortSignal.timeout(60_000));
  yield* requestBody(request);
}

/** A cache in a directory of the client's is not in one of the daemon's that has the same name. */
function checkCacheDirectories(body: SolveBuildBody, user: FileUser | undefined): void {
  if (user !== undefined) return;
  for (const { type, attributes } of [...(body.cacheImports ?? []), ...(body.cacheExports ?? [])]) {
    const path = attributes["src"] ?? attributes["dest"] ?? "";
    if (type === "local" && !(body.cacheDirectories ?? []).includes(path)) {
      throw serverErrors["build-directory-elsewhere"](path);
    }
  }
}

/** A directory that client and daemon mean alike: a client in a container, or on another machine, has others of that name. */
function checkedDirectory(
  named: { readonly path: string; readonly device: string; readonly inode: string },
  user: FileUser | undefined,
): string {
  if (user === undefined) throw serverErrors["build-directory-elsewhere"](named.path);
  const status = asFileUser(user, () => {
    try {
      return statSync(named.path, { bigint: true });
    } catch {
      return undefined;
    }
  });
  if (
    status === undefined ||
    !status.isDirectory() ||
    String(status.dev) !== named.device ||
    String(status.ino) !== named.inode
  ) {
    throw serverErrors["build-directory-elsewhere"](named.path);
  }
  return named.path;
}

const statusWords = { running: "running", completed: "completed", failed: "error", cancelled: "canceled" } as const;

function recordDocument(record: BuildRecord): BuildRecordDocument {
  return {
    Ref: record.reference,
    Name: record.name,
    Status: statusWords[record.status],
    CreatedAt: formatRfc3339Nano(record.createdAt),
    CompletedAt: record.completedAt === undefined ? undefined : formatRfc3339Nano(record.completedAt),
    Pinned: record.pinned,
    Attributes: record.attributes,
    Outputs: record.exporters.map(({ type, attributes }) => ({ Type: type, Attributes: attributes })),
    Tags: record.tags,
    ImageID: record.imageId,
    Exported: record.exported,
    Error: record.error,
    Excerpt: record.excerpt,
    TotalSteps: record.totalSteps,
    CompletedSteps: record.completedSteps,
    CachedSteps: record.cachedSteps,
    Warnings: record.warnings,
  };
}
