import { isErrorKind } from "#base";
import type { ContainerView, Engine } from "#engine";
import type { ContainerSummary } from "#formats";
import { serverErrors } from "../errors.ts";
import type { Filters } from "../http/filters.ts";

/** The filters of `GET /containers/json` (moby: daemon/list.go, acceptedPsFilterTags). */
export const containerFilterKeys = [
  "ancestor",
  "before",
  "exited",
  "expose",
  "health",
  "id",
  "is-task",
  "isolation",
  "label",
  "name",
  "network",
  "publish",
  "since",
  "status",
  "volume",
] as const;

const statuses = new Set(["created", "running", "paused", "restarting", "removing", "exited", "dead"]);
const healths = new Set(["none", "starting", "healthy", "unhealthy"]);

/**
 * What the list shows as a container's image: the name it was created from while that still means the same image,
 * the id otherwise (moby: daemon/list.go, refreshImage).
 */
export function imageNameResolver({ images }: Pick<Engine, "images">): (container: ContainerView) => string {
  const current = new Map<string, string | undefined>();
  return ({ imageName, imageId }) => {
    if (!current.has(imageName)) current.set(imageName, findQuietly(images, imageName));
    return current.get(imageName) === imageId ? imageName : imageId;
  };
}

/** An ambiguous name means no image in particular. */
function findQuietly(images: Pick<Engine["images"], "find">, name: string): string | undefined {
  try {
    return images.find(name)?.id;
  } catch {
    return undefined;
  }
}

/** The containers a list asks for, newest first. */
export function selectContainers(
  engine: Engine,
  options: { readonly all: boolean; readonly limit?: number | undefined; readonly filters: Filters },
): readonly ContainerView[] {
  const { filters, limit = 0 } = options;
  // Asking for a status, or for the last n, includes stopped ones.
  const all = options.all || filters.has("status") || limit > 0;
  const accepts = selector(engine, filters);
  const selected: ContainerView[] = [];
  for (const container of engine.containers.list(all ? "all" : "running")) {
    if (!accepts(container)) continue;
    selected.push(container);
    if (limit > 0 && selected.length === limit) break;
  }
  return selected;
}

function selector(engine: Engine, filters: Filters): (container: ContainerView) => boolean {
  for (const value of filters.values("status"))
    if (!statuses.has(value)) throw serverErrors["invalid-filter-value"]("status", value);
  for (const value of filters.values("health"))
    if (!healths.has(value)) throw serverErrors["invalid-filter-value"]("health", value);
  const exitCodes = filters.values("exited").map((value) => {
    if (!/^-?\d{1,10}$/.test(value)) throw serverErrors["invalid-filter-value"]("exited", value);
    return Number(value);
  });
  const isTask = filters.flag("is-task");
  const before = filters.values("before").map((reference) => engine.containers.get(reference).created);
  const since = filters.values("since").map((reference) => engine.containers.get(reference).created);
  const ancestors = filters.has("ancestor") ? descendants(engine, filters.values("ancestor")) : undefined;
  const published = filters.values("publish").map((value) => portRange("publish", value));
  const exposed = filters.values("expose").map((value) => portRange("expose", value));

  return (container) => {
    const { state } = container;
    if (isTask === true) return false;
    if (!filters.matches("name", container.name, `/${container.name}`)) return false;
    if (!filters.matches("id", container.id)) return false;
    if (!filters.labels(container.config.Labels)) return false;
    if (!filters.any("status", (value) => value === state.status)) return false;
    if (!filters.any("health", (value) => value === (state.health?.status ?? "none"))) return false;
    if (exitCodes.length > 0 && (state.running || state.startedAt === undefined || !exitCodes.includes(state.exitCode)))
      return false;
    if (before.some((created) => container.created >= created)) return false;
    if (since.some((created) => container.created <= created)) return false;
    if (ancestors !== undefined && !ancestors.has(container.imageId)) return false;
    if (
      !filters.any("volume", (value) =>
        container.mounts.some(
          (mount) => mount.destination === value || (mount.name === "" ? mount.source : mount.name) === value,
        ),
      )
    )
      return false;
    if (
      !filters.any("network", (value) =>
        container.networks.some(({ networkName, networkId }) => networkName === value || networkId.startsWith(value)),
      )
    )
      return false;
    if (
      published.length > 0 &&
      !container.ports.some(
        (port) =>
          inRanges(published, port.containerPort, port.protocol) || inRanges(published, port.hostPort, port.protocol),
      )
    )
      return false;
    if (exposed.length > 0 && !exposesOne(container, exposed)) return false;
    return true;
  };
}

type PortRange = { readonly first: number; readonly last: number; readonly protocol: string };

/** `80`, `80/udp`, `8000-8010/tcp`. */
function portRange(key: string, value: string): PortRange {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/.exec(value);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || last < first || last > 65_535) throw serverErrors["invalid-filter-value"](key, value);
  return { first, last, protocol: match[3] ?? "tcp" };
}

function inRanges(ranges: readonly PortRange[], port: number, protocol: string): boolean {
  return ranges.some((range) => port >= range.first && port <= range.last && range.protocol === protocol);
}

function exposesOne(container: ContainerView, ranges: readonly PortRange[]): boolean {
  return Object.keys(container.config.ExposedPorts ?? {}).some((spec) => {
    const [port = "", protocol = "tcp"] = spec.split("/");
    return inRanges(ranges, Number(port), protocol);
  });
}

/** Ids of the images meant and of all images built on them. */
function descendants({ images }: Pick<Engine, "images">, references: readonly string[]): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const reference of references) {
    const id = findQuietly(images, reference);
    if (id !== undefined) ids.add(id);
  }
  const all = images.list();
  for (let grew = true; grew;) {
    grew = false;
    for (const image of all) {
      if (image.parentId === undefined || ids.has(image.id) || !ids.has(image.parentId)) continue;
      ids.add(image.id);
      grew = true;
    }
  }
  return ids;
}

/** Adds the sizes to summaries; those of containers that went meanwhile are dropped. */
export async function withSizes(engine: Engine, summaries: readonly ContainerSummary[]): Promise<ContainerSummary[]> {
  const sized = await Promise.all(
    summaries.map(async (summary) => {
      try {
        const sizes = await engine.containers.sizes(summary.Id);
        return { ...summary, SizeRw: sizes.writableBytes, SizeRootFs: sizes.rootFsBytes };
      } catch (error) {
        if (isErrorKind(error, "not-found")) return undefined;
        throw error;
      }
    }),
  );
  return sized.filter((summary) => summary !== undefined);
}
