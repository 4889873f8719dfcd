import { humanDuration, humanSize } from "#base";
import type { ContainerSummary } from "#formats";
import type { Row } from "../output/list.ts";
import { ellipsis } from "../output/truncate.ts";
import { NilPointer } from "#templates";
import { goTime } from "./go-time.ts";
import { formatPorts } from "./ports.ts";

export const containerHeaders = {
  ID: "CONTAINER ID",
  Names: "NAMES",
  Image: "IMAGE",
  Command: "COMMAND",
  CreatedAt: "CREATED AT",
  RunningFor: "CREATED",
  Ports: "PORTS",
  State: "STATE",
  Status: "STATUS",
  Size: "SIZE",
  Labels: "LABELS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
  Networks: "NETWORKS",
  Platform: "PLATFORM",
};

function names(container: ContainerSummary, truncate: boolean): string {
  const plain = container.Names.map((name) => name.replace(/^\//, ""));
  // "/web/db" is what a link calls "/db".
  return (truncate ? plain.filter((name) => !name.includes("/")) : plain).join(",");
}

function imageName(container: ContainerSummary, truncate: boolean): string {
  if (container.Image === "") return "<no image>";
  if (!truncate) return container.Image;
  const short = container.ImageID.replace(/^sha256:/, "").slice(0, 12);
  // A container whose image lost its name shows the id.
  if (container.Image.replace(/^sha256:/, "").startsWith(short) && /^(?:sha256:)?[0-9a-f]{64}$/.test(container.Image))
    return short;
  return container.Image.replace(/@sha256:[0-9a-f]{64}$/, "");
}

function size(container: ContainerSummary): string {
  const own = humanSize(container.SizeRw ?? 0);
  const root = container.SizeRootFs ?? 0;
  return root > 0 ? `${own} (virtual ${humanSize(root)})` : own;
}

/** A container as a line of `ps`. */
export function containerRow(container: ContainerSummary, truncate: boolean): Row {
  const labels = container.Labels ?? {};
  const mounts = container.Mounts ?? [];
  return {
    Command: JSON.stringify(truncate ? ellipsis(container.Command, 20) : container.Command),
    CreatedAt: goTime(container.Created * 1000),
    ID: truncate ? container.Id.slice(0, 12) : container.Id,
    Image: imageName(container, truncate),
    Label: (name: unknown) => labels[String(name)] ?? "",
    Labels: Object.entries(labels)
      .map(([name, value]) => `${name}=${value}`)
      .join(","),
    LocalVolumes: String(mounts.filter(({ Driver }) => Driver === "local").length),
    Mounts: mounts
      .map(({ Name, Source }) => Name ?? Source)
      .map((name) => (truncate ? ellipsis(name, 15) : name))
      .join(","),
    Names: names(container, truncate),
    Networks: Object.keys(container.NetworkSettings?.Networks ?? {}).join(","),
    Platform: new NilPointer("*v1.Platform"),
    Ports: formatPorts(container.Ports),
    RunningFor: `${humanDuration(Date.now() - container.Created * 1000)} ago`,
    Size: size(container),
    State: container.State,
    Status: container.Status,
  };
}
