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
  const plain = container.Names.map((name) => (name.startsWith("/") ? name.slice(1) : name));
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

/** A container as a line of `ps`. A field costs something when it is looked at: lists are long, templates short. */
export function containerRow(container: ContainerSummary, truncate: boolean): Row {
  return {
    get Command() {
      return JSON.stringify(truncate ? ellipsis(container.Command, 20) : container.Command);
    },
    get CreatedAt() {
      return goTime(container.Created * 1000);
    },
    ID: truncate ? container.Id.slice(0, 12) : container.Id,
    get Image() {
      return imageName(container, truncate);
    },
    Label: (name: unknown) => container.Labels?.[String(name)] ?? "",
    get Labels() {
      return Object.entries(container.Labels ?? {})
        .map(([name, value]) => `${name}=${value}`)
        .join(",");
    },
    get LocalVolumes() {
      return String((container.Mounts ?? []).filter(({ Driver }) => Driver === "local").length);
    },
    get Mounts() {
      return (container.Mounts ?? [])
        .map(({ Name, Source }) => Name ?? Source)
        .map((name) => (truncate ? ellipsis(name, 15) : name))
        .join(",");
    },
    get Names() {
      return names(container, truncate);
    },
    get Networks() {
      return Object.keys(container.NetworkSettings?.Networks ?? {}).join(",");
    },
    get Platform() {
      return new NilPointer("*v1.Platform");
    },
    get Ports() {
      return formatPorts(container.Ports);
    },
    get RunningFor() {
      return `${humanDuration(Date.now() - container.Created * 1000)} ago`;
    },
    get Size() {
      return size(container);
    },
    State: container.State,
    Status: container.Status,
  };
}
