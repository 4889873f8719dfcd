import type { BuildRequest } from "#builder";
import { requestBody } from "../http/body.ts";
import { createRecords } from "../http/json-records.ts";
import { emptyReply, route, type Route } from "../http/route.ts";
import { flag, integer, json, text, texts } from "../http/query.ts";
import { pullWith } from "./build-pull.ts";
import { isUpload, serveSessionBuild, type SessionBuildQuery, takeUpload } from "./build-session.ts";

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `{"A":"1","B":null}` */
function nullableStrings(value: unknown): Record<string, string | null> | undefined {
  if (!isObject(value)) return undefined;
  const entries = Object.entries(value);
  if (!entries.every(([, item]) => item === null || typeof item === "string")) return undefined;
  return Object.fromEntries(entries) as Record<string, string | null>;
}

function stringMap(value: unknown): Record<string, string> | undefined {
  const map = nullableStrings(value);
  return map === undefined || Object.values(map).includes(null) ? undefined : (map as Record<string, string>);
}

function stringList(value: unknown): readonly string[] | undefined {
  return Array.isArray(value) && value.every((item) => typeof item === "string") ? value : undefined;
}

function ulimitList(value: unknown): BuildRequest["ulimits"] | undefined {
  if (!Array.isArray(value)) return undefined;
  const limits: { Name: string; Soft: number; Hard: number }[] = [];
  for (const item of value as unknown[]) {
    if (!isObject(item)) return undefined;
    const { Name: name, Soft: soft, Hard: hard } = item;
    if (typeof name !== "string" || !Number.isInteger(soft) || !Number.isInteger(hard)) return undefined;
    limits.push({ Name: name, Soft: soft as number, Hard: hard as number });
  }
  return limits;
}

/** What the exception of a failed step knows about the process, when it does. */
function exitCodeOf(error: unknown): number | undefined {
  const code = (error as { exitCode?: unknown } | null)?.exitCode;
  return typeof code === "number" ? code : undefined;
}

/** BuildKit's outputs: `[{"Type":"local","Attrs":{"dest":"out"}}]` */
function outputList(value: unknown): SessionBuildQuery["outputs"] {
  if (!Array.isArray(value)) return undefined;
  const outputs: { Type: string; Attrs: Record<string, string> }[] = [];
  for (const item of value as unknown[]) {
    if (!isObject(item) || typeof item["Type"] !== "string") return undefined;
    const attributes = stringMap(item["Attrs"] ?? {});
    if (attributes === undefined) return undefined;
    outputs.push({ Type: item["Type"], Attrs: attributes });
  }
  return outputs;
}

const buildQuery = {
  dockerfile: text(),
  t: texts(),
  extrahosts: texts(),
  remote: text(),
  q: flag(),
  nocache: flag(),
  cachefrom: json(stringList, "a JSON list of image names"),
  pull: flag(),
  rm: flag(true),
  forcerm: flag(),
  memory: integer(),
  memswap: integer(),
  cpushares: integer(),
  cpusetcpus: text(),
  cpusetmems: text(),
  cpuperiod: integer(),
  cpuquota: integer(),
  buildargs: json(nullableStrings, "a JSON object of strings or null"),
  shmsize: integer(),
  squash: flag(),
  labels: json(stringMap, "a JSON object of strings"),
  networkmode: text(),
  cgroupparent: text(),
  platform: text(),
  target: text(),
  version: text(),
  outputs: json(outputList, "a JSON list of {Type, Attrs}"),
  session: text(),
  buildid: text(),
  ulimits: json(ulimitList, "a JSON list of {Name, Soft, Hard}"),
  securityopt: json(stringList, "a JSON list of strings"),
} as const;

/** The classic builder's endpoint and its cache. */
export const buildRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/build",
    query: buildQuery,
    async handle({ parts, query, request, response, signal }) {
      const { engine } = parts;
      if (query.version === "2") {
        if (isUpload(query.buildid)) {
          await takeUpload(query.buildid, request);
          return emptyReply(200);
        }
        await serveSessionBuild(parts, query, request, response, signal);
        return undefined;
      }
      const resources: BuildRequest["resources"] = {
        ...(query.memory === undefined ? {} : { Memory: query.memory }),
        ...(query.memswap === undefined ? {} : { MemorySwap: query.memswap }),
        ...(query.cpushares === undefined ? {} : { CpuShares: query.cpushares }),
        ...(query.cpuperiod === undefined ? {} : { CpuPeriod: query.cpuperiod }),
        ...(query.cpuquota === undefined ? {} : { CpuQuota: query.cpuquota }),
        ...(query.cpusetcpus === undefined ? {} : { CpusetCpus: query.cpusetcpus }),
        ...(query.cpusetmems === undefined ? {} : { CpusetMems: query.cpusetmems }),
      };
      const records = createRecords(response);
      try {
        const running = parts.builds.start(
          { name: query.target ?? "", attributes: classicAttributes(query), exporters: [] },
          () => ({
            context: requestBody(request),
            dockerfile: query.dockerfile ?? "Dockerfile",
            tags: query.t,
            buildArgs: query.buildargs ?? {},
            labels: query.labels ?? {},
            target: query.target,
            noCache: query.nocache,
            pull: query.pull,
            networkMode: query.networkmode,
            extraHosts: query.extrahosts,
            platform: query.platform,
            cacheFrom: query.cachefrom ?? [],
            squash: query.squash,
            shmSizeBytes: query.shmsize,
            cgroupParent: query.cgroupparent,
            securityOpt: query.securityopt ?? [],
            ulimits: query.ulimits ?? [],
            resources,
            remove: query.rm,
            forceRemove: query.forcerm,
            remote: query.remote,
            outputs: query.outputs === undefined || query.outputs.length === 0 ? undefined : "outputs",
            version: query.version,
            pullImage: pullWith(engine, request, (stream) => {
              if (!query.q) records.write({ stream });
            }),
          }),
          {
            listen: (record) => {
              if (query.q) return;
              if (record.kind === "classic") records.write({ stream: record.stream });
              else if (record.kind === "classic-image") records.write({ aux: { ID: record.imageId } });
            },
            signal,
          },
        );
        const { imageId } = await running.done;
        // With -q the id is all there is.
        if (query.q) records.write({ stream: `${imageId}\n` });
        records.end();
      } catch (error) {
        if (!signal.aborted) records.fail(error, exitCodeOf(error));
      }
      return undefined;
    },
  }),
];

/** What the history keeps of a classic build's options. */
function classicAttributes(query: {
  readonly dockerfile: string | undefined;
  readonly target: string | undefined;
  readonly platform: string | undefined;
  readonly buildargs: Readonly<Record<string, string | null>> | undefined;
}): Readonly<Record<string, string>> {
  const entries: readonly (readonly [string, string | null | undefined])[] = [
    ["filename", query.dockerfile],
    ["target", query.target],
    ["platform", query.platform],
    ...Object.entries(query.buildargs ?? {}).map(([name, value]) => [`build-arg:${name}`, value] as const),
  ];
  return Object.fromEntries(entries.flatMap(([name, value]) => (value == null || value === "" ? [] : [[name, value]])));
}
