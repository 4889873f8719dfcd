import { humanDuration, humanSize, shortId } from "#base";
import type { DiskUsageResponse } from "#formats";
import { defineCommand } from "../command.ts";
import { flag } from "../flags/flag.ts";
import { listFormatFlag } from "../flags/format-flag.ts";
import { printList, type Row, renderList } from "../output/list.ts";
import { writeText } from "../output/write.ts";
import { splitReference } from "../references.ts";
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

function verboseText(usage: DiskUsageResponse): string {
  const age = (unixSeconds: number) => `${humanDuration(Date.now() - unixSeconds * 1000)} ago`;
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
  const images = (usage.Images ?? []).map((image): Row => {
    const { repository, tag } = splitReference(image.RepoTags?.[0] ?? "<none>:<none>");
    const shared = Math.max(0, image.SharedSize);
    return {
      Repository: repository,
      Tag: tag,
      ID: shortId(image.Id),
      CreatedSince: age(image.Created),
      Size: humanSize(image.Size),
      SharedSize: humanSize(shared),
      UniqueSize: humanSize(image.Size - shared),
      Containers: String(Math.max(0, image.Containers)),
    };
  });
  const volumes = (usage.Volumes ?? []).map((volume): Row => ({
    Name: volume.Name,
    Links: String(volume.UsageData?.RefCount ?? 0),
    Size: humanSize(Math.max(0, volume.UsageData?.Size ?? 0)),
  }));
  const cache = (usage.BuildCache ?? []).map((each): Row => ({
    ID: each.ID.slice(0, 12),
    CacheType: each.Type,
    Size: humanSize(each.Size),
    CreatedSince: `${humanDuration(Date.now() - Date.parse(each.CreatedAt))} ago`,
    UsageCount: String(each.UsageCount),
    Shared: String(each.Shared),
  }));
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
      images,
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
      (usage.Containers ?? []).map((container) => containerRow(container, true)),
    ),
    section("Local Volumes space usage:", { Name: "VOLUME NAME", Links: "LINKS", Size: "SIZE" }, volumes),
    section(
      `Build cache usage: ${humanSize(cacheSize)}`,
      {
        ID: "CACHE ID",
        CacheType: "CACHE TYPE",
        Size: "SIZE",
        CreatedSince: "CREATED",
        UsageCount: "USAGE",
        Shared: "SHARED",
      },
      cache,
    ),
  ].join("\n");
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
    printList({
      format: flags.format,
      defaultTable: "{{.Type}}\t{{.TotalCount}}\t{{.Active}}\t{{.Size}}\t{{.Reclaimable}}",
      quietTemplate: "",
      headers: { Type: "TYPE", TotalCount: "TOTAL", Active: "ACTIVE", Size: "SIZE", Reclaimable: "RECLAIMABLE" },
      rows: usages(usage).map(usageRow),
      subject: "*formatter.diskUsageContext",
    });
  },
});
