import type { IncomingMessage, ServerResponse } from "node:http";
import type { Builds } from "#builder";
import type { SessionBuild } from "#buildkit";
import { serverErrors } from "../errors.ts";
import { requestBody } from "../http/body.ts";
import { createRecords } from "../http/json-records.ts";
import type { ServerParts } from "../parts.ts";

/** A build with BuildKit over `POST /build`: what clients before version 23 send. */
export type SessionBuildQuery = {
  readonly dockerfile: string | undefined;
  readonly t: readonly string[];
  readonly extrahosts: readonly string[];
  readonly remote: string | undefined;
  readonly nocache: boolean;
  readonly cachefrom: readonly string[] | undefined;
  readonly pull: boolean;
  readonly buildargs: Readonly<Record<string, string | null>> | undefined;
  readonly shmsize: number | undefined;
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly networkmode: string | undefined;
  readonly cgroupparent: string | undefined;
  readonly platform: string | undefined;
  readonly target: string | undefined;
  readonly outputs: readonly { readonly Type: string; readonly Attrs: Readonly<Record<string, string>> }[] | undefined;
  readonly ulimits: readonly { readonly Name: string; readonly Soft: number; readonly Hard: number }[] | undefined;
  readonly squash: boolean;
  readonly q: boolean;
  readonly session: string | undefined;
  readonly buildid: string | undefined;
};

/** What a second request brings for a build that asked for it: a context from the client's standard input. */
const uploads = new Map<string, PromiseWithResolvers<IncomingMessage>>();
const uploadPrefix = "upload-request:";
const uploadWaitMs = 10_000;

/** Takes the body of `POST /build?remote=upload-request&buildid=upload-request:ID` for the build ID; resolves when it was read. */
export async function takeUpload(buildId: string, request: IncomingMessage): Promise<void> {
  const id = buildId.slice(uploadPrefix.length);
  const waiting = uploadOf(id);
  waiting.resolve(request);
  await new Promise<void>((resolve) => {
    request.once("end", resolve);
    request.once("close", resolve);
  });
}

/** True for the request that only brings a build's context. */
export function isUpload(buildId: string | undefined): buildId is string {
  return buildId?.startsWith(uploadPrefix) === true;
}

function uploadOf(id: string): PromiseWithResolvers<IncomingMessage> {
  let waiting = uploads.get(id);
  if (waiting === undefined) {
    const made = Promise.withResolvers<IncomingMessage>();
    waiting = made;
    uploads.set(id, made);
    made.promise.catch(() => {});
    // Whichever of the two requests comes alone has waited long enough.
    setTimeout(() => {
      uploads.delete(id);
      made.reject(serverErrors["malformed-request"]("the build's context did not come"));
    }, uploadWaitMs).unref();
  }
  return waiting;
}

/** Serves the build: progress as `moby.buildkit.trace` records, the image's id at the end. */
export async function serveSessionBuild(
  parts: ServerParts,
  query: SessionBuildQuery,
  request: IncomingMessage,
  response: ServerResponse,
  signal: AbortSignal,
): Promise<void> {
  const records = createRecords(response);
  try {
    const buildKit = await parts.buildKit();
    const result = await buildKit.build(
      sessionBuildOf(query, request, parts.builds),
      (message) => {
        if (!query.q) records.write({ id: "moby.buildkit.trace", aux: Buffer.from(message).toString("base64") });
      },
      signal,
    );
    // With -q the id is all there is, and text: that is what its clients print.
    if (query.q) records.write({ stream: `${result.imageId}\n` });
    else if (result.imageId !== "") records.write({ id: "moby.image.id", aux: { ID: result.imageId } });
    records.end();
  } catch (error) {
    if (!signal.aborted) records.fail(error);
  }
}

function sessionBuildOf(
  query: SessionBuildQuery,
  request: IncomingMessage,
  builds: Pick<Builds, "find">,
): SessionBuild {
  if (query.squash) throw serverErrors["malformed-request"]("squash is no option of a build with BuildKit");
  const attributes = new Map<string, string>();
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") attributes.set(name, value);
  };
  set("filename", query.dockerfile);
  set("target", query.target);
  set("platform", query.platform);
  set("force-network-mode", query.networkmode === "default" ? undefined : query.networkmode);
  set("cgroup-parent", query.cgroupparent);
  set("add-hosts", query.extrahosts.map((entry) => entry.replace(":", "=")).join(","));
  set("shm-size", query.shmsize === undefined || query.shmsize === 0 ? undefined : String(query.shmsize));
  set("ulimit", (query.ulimits ?? []).map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`).join(","));
  if (query.nocache) attributes.set("no-cache", "");
  if (query.pull) attributes.set("image-resolve-mode", "pull");
  for (const [name, value] of Object.entries(query.buildargs ?? {})) {
    if (value !== null) attributes.set(`build-arg:${name}`, value);
  }
  for (const [name, value] of Object.entries(query.labels ?? {})) attributes.set(`label:${name}`, value);
  const isUploaded = query.remote === "upload-request";
  if (!isUploaded && query.remote !== "client-session") set("context", query.remote);
  const outputs = query.outputs ?? [];
  if (outputs.length > 1) throw serverErrors["malformed-request"]("multiple outputs not supported");
  const [output] = outputs;
  const exporter =
    output === undefined || output.Type === ""
      ? { type: "moby", attributes: new Map<string, string>() }
      : { type: output.Type, attributes: new Map(Object.entries(output.Attrs)) };
  if (query.t.length > 0 && (exporter.type === "moby" || exporter.type === "image")) {
    exporter.attributes.set("name", query.t.join(","));
  }
  return {
    // `POST /build/cancel` names it; a client may use an id again, the history does not.
    reference: isFreeReference(query.buildid, builds) ? query.buildid : undefined,
    attributes,
    session: query.session ?? "",
    exporters: [exporter],
    tags: [],
    cacheImports: (query.cachefrom ?? []).map((reference) => ({
      type: "registry",
      attributes: new Map([["ref", reference]]),
    })),
    cacheExports: [],
    entitlements: query.networkmode === "host" ? ["network.host"] : [],
    ...(isUploaded && query.buildid !== undefined ? { context: uploadedContext(query.buildid) } : {}),
    // Without a remote the context is this request's own body, as without BuildKit.
    ...((query.remote ?? "") === "" ? { context: requestBody(request) } : {}),
  };
}

function isFreeReference(id: string | undefined, builds: Pick<Builds, "find">): id is string {
  return id !== undefined && /^[0-9A-Za-z]{8,64}$/.test(id) && builds.find(id) === undefined;
}

async function* uploadedContext(buildId: string): AsyncGenerator<Uint8Array, void> {
  const request = await uploadOf(buildId).promise;
  uploads.delete(buildId);
  yield* requestBody(request);
}
