import { humanDuration, humanSize, shortId } from "#base";
import type { DiskUsageResponse } from "#formats";
import { compileTemplate, GoStruct } from "#templates";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList, type Row, renderList, rowJson, rowValue, unescapeFormat } from "../output/list.ts";
import { writeText } from "../output/write.ts";
import { splitReference } from "../references.ts";
import { goTime } from "../rows/go-time.ts";
import { containerHeaders, containerRow } from "../rows/container-row.ts";

type Usage = { type: string; total: number; active: number; size: number; reclaimable: number; showsPercent: boolean };

function usages(usage: DiskUsageResponse): Usage[] {
  const images = usage.Images ?? [];
  const containers = usage.Containers ?? [];
  const volumes = usage.Volumes ?? [];
  const cache = usage.BuildCache ?? [];
  const sum = (numbers: readonly number[]) => numbers.reduce((total, each) => total + Math.max(0, each), 0);
  const isActive = (state: string) => /running|paused|restarting/.test(state);
  const usedImages = images.filter(({ Containers }) => Containers > 0);
  const imageSize = usage.LayersSize ?? sum(images.map(({ Size }) => Size));
  const usedImageSize = sum(usedImages.map(({ Size, SharedSize }) => Size - Math.max(0, SharedSize)));
  const containerSize = sum(containers.map(({ SizeRw }) => SizeRw ?? 0));
  const volumeSize = sum(volumes.map(({ UsageData }) => UsageData?.Size ?? 0));
  const unusedVolumes = volumes.filter(({ UsageData }) => (UsageData?.RefCount ?? 0) <= 0);
  return [
    {
      type: "Images",
      total: images.length,
      active: usedImages.length,
      size: imageSize,
      reclaimable: Math.max(0, imageSize - usedImageSize),
      showsPercent: true,
    },
    {
      type: "Containers",
      total: containers.length,
      active: containers.filter(({ State }) => isActive(State)).length,
      size: containerSize,
      reclaimable: sum(containers.filter(({ State }) => !isActive(State)).map(({ SizeRw }) => SizeRw ?? 0)),
      showsPercent: containerSize > 0,
    },
    {
      type: "Local Volumes",
      total: volumes.length,
      active: volumes.length - unusedVolumes.length,
      size: volumeSize,
      reclaimable: sum(unusedVolumes.map(({ UsageData }) => UsageData?.Size ?? 0)),
      showsPercent: volumeSize > 0,
    },
    {
      type: "Build Cache",
      total: cache.length,
      active: cache.filter(({ InUse }) => InUse).length,
      size: sum(cache.filter(({ Shared }) => !Shared).map(({ Size }) => Size)),
      reclaimable: sum(cache.filter(({ InUse, Shared }) => !InUse && !Shared).map(({ Size }) => Size)),
      showsPercent: false,
    },
  ];
}

/** What docker calls each line's type. */
const subjects: Readonly<Record<string, string>> = {
  Images: "*formatter.diskUsageImagesContext",
  Containers: "*formatter.diskUsageContainersContext",
  "Local Volumes": "*formatter.diskUsageVolumesContext",
  "Build Cache": "*formatter.diskUsageBuilderContext",
};

function usageRow({ type, total, active, size, reclaimable, showsPercent }: Usage): Row {
  const percent = showsPercent && size > 0 ? ` (${Math.trunc((reclaimable * 100) / size)}%)` : "";
  return {
    Active: String(active),
    Reclaimable: `${humanSize(reclaimable, 4)}${percent}`,
    Size: humanSize(size, 4),
    TotalCount: String(total),
    Type: type,
  };
}

const age = (unixMs: number) => `${humanDuration(Date.now() - unixMs)} ago`;

/** Everything that takes room, a row each, as docker's templates see it. */
type VerboseRows = {
  readonly Images: readonly Row[];
  readonly Containers: readonly Row[];
  readonly Volumes: readonly Row[];
  readonly BuildCache: readonly Row[];
};

function imageRow(image: NonNullable<DiskUsageResponse["Images"]>[number], truncate: boolean): Row {
  const { repository, tag } = splitReference(image.RepoTags?.[0] ?? "<none>:<none>");
  const shared = Math.max(0, image.SharedSize);
  return {
    Containers: String(Math.max(0, image.Containers)),
    CreatedAt: goTime(image.Created * 1000),
    CreatedSince: age(image.Created * 1000),
    Digest: "",
    ID: truncate ? shortId(image.Id) : image.Id,
    Repository: repository,
    SharedSize: humanSize(shared),
    Size: humanSize(image.Size),
    Tag: tag,
    UniqueSize: humanSize(image.Size - shared, 4),
    VirtualSize: humanSize(image.Size, 4),
  };
}

function volumeRow(volume: NonNullable<DiskUsageResponse["Volumes"]>[number]): Row {
  return {
    Availability: "N/A",
    Driver: volume.Driver,
    Group: "N/A",
    Labels: Object.entries(volume.Labels ?? {})
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    Links: String(volume.UsageData?.RefCount ?? 0),
    Mountpoint: volume.Mountpoint,
    Name: volume.Name,
    Scope: volume.Scope,
    Size: humanSize(volume.UsageData?.Size ?? 0),
    Status: "N/A",
  };
}

function cacheRow(each: NonNullable<DiskUsageResponse["BuildCache"]>[number], truncate: boolean): Row {
  const lastUsed = each.LastUsedAt == null ? Number.NaN : Date.parse(each.LastUsedAt);
  return {
    CacheType: each.Type,
    CreatedAt: each.CreatedAt,
    CreatedSince: age(Date.parse(each.CreatedAt)),
    Description: each.Description,
    ID: `${truncate ? each.ID.slice(0, 12) : each.ID}${truncate && each.InUse ? "*" : ""}`,
    InUse: String(each.InUse),
    LastUsedAt: each.LastUsedAt ?? "",
    LastUsedSince: Number.isNaN(lastUsed) ? "" : age(lastUsed),
    Parent: each.Parents?.[0] ?? "",
    Shared: String(each.Shared),
    Size: humanSize(each.Size),
    UsageCount: String(each.UsageCount),
  };
}

function verboseRows(usage: DiskUsageResponse, truncate: boolean): VerboseRows {
  return {
    Images: (usage.Images ?? []).map((image) => imageRow(image, truncate)),
    // What lies in the image is counted there.
    Containers: (usage.Containers ?? []).map((container) => containerRow({ ...container, SizeRootFs: 0 }, truncate)),
    Volumes: (usage.Volumes ?? []).map(volumeRow),
    BuildCache: (usage.BuildCache ?? []).map((each) => cacheRow(each, truncate)),
  };
}

function verboseText(usage: DiskUsageResponse): string {
  const section = (title: string, columns: Readonly<Record<string, string>>, rows: readonly Row[]) =>
    `${title}\n\n${renderList({
      format: "",
      defaultTable: Object.keys(columns)
        .map((name) => `{{.${name}}}`)
        .join("\t"),
      quietTemplate: "",
      headers: columns,
      rows,
      subject: "*formatter.diskUsageContext",
    })}`;
  const rows = verboseRows(usage, true);
  const cacheSize = usages(usage)[3]?.size ?? 0;
  return [
    section(
      "Images space usage:",
      {
        Repository: "REPOSITORY",
        Tag: "TAG",
        ID: "IMAGE ID",
        CreatedSince: "CREATED",
        Size: "SIZE",
        SharedSize: "SHARED SIZE",
        UniqueSize: "UNIQUE SIZE",
        Containers: "CONTAINERS",
      },
      rows.Images,
    ),
    section(
      "Containers space usage:",
      {
        ID: containerHeaders.ID,
        Image: "IMAGE",
        Command: "COMMAND",
        LocalVolumes: "LOCAL VOLUMES",
        Size: "SIZE",
        RunningFor: "CREATED",
        Status: "STATUS",
        Names: "NAMES",
      },
      rows.Containers,
    ),
    section("Local Volumes space usage:", { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" }, rows.Volumes),
    section(
      `Build cache usage: ${humanSize(cacheSize)}`,
      {
        ID: "CACHE ID",
        CacheType: "CACHE TYPE",
        Size: "SIZE",
        CreatedSince: "CREATED",
        LastUsedSince: "LAST USED",
        UsageCount: "USAGE",
        Shared: "SHARED",
      },
      rows.BuildCache,
    ),
  ].join("\n");
}

/** `-v --format`: one value that holds all rows; docker ends it without a line break. */
function verboseFormatted(usage: DiskUsageResponse, format: string): string {
  const rows = Object.entries(verboseRows(usage, false));
  if (format === "json")
    return `{${rows.map(([name, each]) => `"${name}":[${each.map(rowJson).join(",")}]`).join(",")}}`;
  const fields = rows.map(
    ([name, each]) => [name, each.map((row) => rowValue(row, `*formatter.${name}Context`))] as const,
  );
  return compileTemplate(unescapeFormat(format))(new GoStruct("*formatter.diskUsageContext", new Map(fields)));
}

export const command = defineCommand({
  summary: "Show disk usage",
  synopsis: "[OPTIONS]",
  flags: {
    format: listFormatFlag,
    verbose: flag.boolean("Show detailed information on space usage", { short: "v" }),
  },
  async run({ client }, flags) {
    const usage = await client.system.diskUsage();
    if (flags.verbose && flags.format === "") {
      writeText(1, verboseText(usage));
      return;
    }
    if (flags.verbose && !flags.format.startsWith("table")) {
      writeText(1, verboseFormatted(usage, flags.format));
      return;
    }
    printList({
      format: flags.format,
      defaultTable: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
      quietTemplate: "",
      headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
      rows: usages(usage).map(usageRow),
      rawTemplate:
        "type: {{.Type}}\ntotal: {{.TotalCount}}\nactive: {{.Active}}\nsize: {{.Size}}\nreclaimable: {{.Reclaimable}}\n",
      subject: ({ Type }) => subjects[String(Type)] ?? "*formatter.diskUsageContext",
    });
  },
});
