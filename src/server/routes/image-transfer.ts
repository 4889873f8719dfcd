import type { ImageProgress } from "#engine";
import { openDownload } from "#builder";
import { serverErrors } from "../errors.ts";
import { requestBody } from "../http/body.ts";
import { createRecords, type JsonRecords } from "../http/json-records.ts";
import { route, type Route } from "../http/route.ts";
import { flag, text, texts } from "../http/query.ts";
import { isGone, openStream, pump } from "../http/stream-reply.ts";
import type { ServerParts } from "../parts.ts";
import { joinReference } from "./images.ts";
import { platformField, requirePlatform } from "./image-platform.ts";
import { reportTo } from "./progress.ts";
import { pullInto } from "./registries.ts";

const progressPauseMs = 100;

/** Images as archives: load, save, import; and `POST /images/create`, which is import or pull. */
export const imageTransferRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/images/load",
    query: { quiet: flag(true), platform: platformField() },
    async handle({ parts: { engine }, query, request, response, version }) {
      const platform = version < 48 ? undefined : query.platform;
      const records = createRecords(response);
      records.open();
      try {
        const report = reportTo(records);
        const loaded: ImageProgress = (record) => {
          if (record.stream !== undefined) report(record);
        };
        await engine.images.load(requestBody(request), query.quiet ? loaded : report, platform);
        records.end();
      } catch (error) {
        records.fail(error);
      }
    },
  }),
  route({
    method: "GET",
    path: "/images/get",
    query: { names: texts(), platform: platformField() },
    async handle({ parts: { engine }, query, response, version }) {
      if (query.names.length === 0) throw serverErrors["invalid-parameter"]("names", "", "the names of images");
      // Before the headers: an unknown name is still a 404.
      const platform = version < 48 ? undefined : query.platform;
      if (platform !== undefined) {
        for (const name of query.names) requirePlatform(engine.images.get(name, platform), name, platform);
      }
      const archive = engine.images.save(query.names, platform);
      openStream(response, "application/x-tar");
      await pump(response, archive);
      if (!isGone(response)) response.end();
    },
  }),
  route({
    method: "GET",
    path: "/images/{name...}/get",
    query: { platform: platformField() },
    async handle({ parts: { engine }, params: { name = "" }, query, response, version }) {
      const platform = version < 48 ? undefined : query.platform;
      if (platform !== undefined) requirePlatform(engine.images.get(name, platform), name, platform);
      const archive = engine.images.save([name], platform);
      openStream(response, "application/x-tar");
      await pump(response, archive);
      if (!isGone(response)) response.end();
    },
  }),
  route({
    method: "POST",
    path: "/images/create",
    query: {
      fromImage: text(),
      fromSrc: text(),
      repo: text(),
      tag: text(),
      message: text(),
      changes: texts(),
      platform: text(),
    },
    async handle({ parts, query, request, response, signal }) {
      const { fromImage } = query;
      if (fromImage !== undefined) {
        await pullInto(parts, { request, signal }, createRecords(response), { ...query, fromImage });
        return;
      }
      const { fromSrc: source = "" } = query;
      if (source === "") throw serverErrors["import-needs-source"]();
      const edit = parts.builder.changes(query.changes);
      const open = (report: ImageProgress) =>
        source === "-" ? requestBody(request) : downloaded(source, report, signal);
      await importArchive(parts, open, createRecords(response), { ...query, config: edit({}) });
    },
  }),
];

/** An archive somewhere else; without a scheme it is HTTP, as in Docker. */
async function* downloaded(source: string, report: ImageProgress, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const url = source.includes("://") ? source : `http://${source}`;
  const failed = (reason: string) => serverErrors["import-download-failed"](url, reason);
  const { body, sizeBytes: total } = await openDownload(url, signal, failed);
  report({ status: `Downloading from ${url}` });
  let current = 0;
  let saidMs = 0;
  for await (const chunk of body) {
    yield chunk;
    current += chunk.length;
    if (performance.now() - saidMs < progressPauseMs && current !== total) continue;
    saidMs = performance.now();
    report({ status: "Importing", progress: { current, total } });
  }
}

async function importArchive(
  { engine }: ServerParts,
  open: (report: ImageProgress) => AsyncIterable<Uint8Array>,
  records: JsonRecords,
  options: {
    readonly repo: string | undefined;
    readonly tag: string | undefined;
    readonly message: string | undefined;
    readonly platform: string | undefined;
    readonly config: NonNullable<Parameters<ServerParts["engine"]["images"]["importRootfs"]>[1]["config"]>;
  },
): Promise<void> {
  try {
    const image = await engine.images.importRootfs(open(reportTo(records)), {
      config: options.config,
      tag: joinReference(options.repo, options.tag),
      ...(options.message === undefined ? {} : { message: options.message }),
      ...(options.platform === undefined ? {} : { platform: options.platform }),
    });
    records.write({ status: image.id });
    records.end();
  } catch (error) {
    records.fail(error);
  }
}
