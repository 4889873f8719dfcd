import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { HostConfig } from "#formats";
import { type Container, hasProcess } from "../containers/container.ts";
import { etcFilesOf } from "../containers/etc-files.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { errors } from "../errors.ts";
import { isUserDefinedMode } from "./join-requests.ts";
import { linkEnvironment } from "./link-environment.ts";
import { addressOfLink, type Link, linkLines } from "./link-lines.ts";

type LinkParts = Pick<ContainerParts, "registry">;

/**
 * `--link` on the default bridge, checked at create: entries "ID:ALIAS", so that a rename changes nothing. Undefined where
 * links mean something else (networks of users have names for all) or there are none.
 */
export function legacyLinks(parts: LinkParts, hostConfig: HostConfig): string[] | undefined {
  const links = hostConfig.Links ?? [];
  if (links.length === 0) return undefined;
  const mode = hostConfig.NetworkMode ?? "bridge";
  if (isUserDefinedMode(mode)) return [];
  if (mode === "host") throw errors.linkOfHost();
  return links.map((link) => {
    const fields = link.replace(/^\//, "").split(":");
    const [name = "", alias = name] = fields;
    // "/db:/web/database" is what inspect shows, and clients send back.
    const own = alias.slice(alias.lastIndexOf("/") + 1);
    if (fields.length > 2 || name === "" || !/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(own)) throw errors.linkInvalid(link);
    const child = parts.registry.find(name);
    if (child === undefined) throw errors.linkMissing(name);
    if (child.document.hostConfig.NetworkMode === "host") throw errors.linkOfHost();
    return `${child.id}:${own}`;
  });
}

/** A container's links; ones whose container was removed are gone. */
function linksOf(parts: LinkParts, container: Container): readonly Link[] {
  return (container.document.hostConfig.Links ?? []).flatMap((entry): readonly Link[] => {
    const [id = "", alias = ""] = entry.split(":");
    const child = parts.registry.byId(id);
    return child === undefined ? [] : [{ child, alias }];
  });
}

/** By container: what those that are linked to it call it ("web/database"). */
export function linkNames(registry: ContainerParts["registry"]): ReadonlyMap<string, readonly string[]> {
  const names = new Map<string, string[]>();
  for (const parent of registry.all()) {
    if ((parent.document.hostConfig.Links ?? []).length === 0) continue;
    for (const { child, alias } of linksOf({ registry }, parent)) {
      names.set(child.id, [...(names.get(child.id) ?? []), `${parent.name}/${alias}`]);
    }
  }
  return names;
}

/** Links of a container that is about to start; throws when one of the linked does not run. */
export function linkedContainers(parts: LinkParts, container: Container): readonly Link[] {
  const links = linksOf(parts, container);
  for (const { child, alias } of links) {
    if (!hasProcess(child)) throw errors.linkNotRunning(child.name, `/${container.name}/${alias}`);
  }
  return links;
}

/** The host configuration with links as Docker shows them: "/db:/web/database". */
export function withShownLinks(registry: ContainerParts["registry"], container: Container): HostConfig {
  const { hostConfig } = container.document;
  if ((hostConfig.Links ?? []).length === 0) return { ...hostConfig, Links: null };
  const shown = linksOf({ registry }, container).map(
    ({ child, alias }) => `/${child.name}:/${container.name}/${alias}`,
  );
  return { ...hostConfig, Links: shown.length === 0 ? null : shown };
}

/** Variables that links add to the environment, for every process of the container. */
export function linkVariables(
  parts: Pick<ContainerParts, "network" | "registry">,
  container: Container,
): readonly string[] {
  if ((container.document.hostConfig.Links ?? []).length === 0) return [];
  return linksOf(parts, container).flatMap(({ child, alias }) => {
    const address = addressOfLink(parts, child);
    if (address === "") return [];
    const { config } = child.document;
    return linkEnvironment({
      name: `/${container.name}/${alias}`,
      alias,
      address,
      ports: Object.keys(config.ExposedPorts ?? {}),
      environment: config.Env ?? [],
    });
  });
}

/** After a container has started, perhaps with another address: tells those that are linked to it. */
export function refreshLinks(parts: ContainerParts, child: Container): void {
  for (const parent of parts.registry.all()) {
    const { hostConfig } = parent.document;
    if ((hostConfig.Links ?? []).length === 0 || !hasProcess(parent)) continue;
    const all = linksOf(parts, parent);
    const links = all.filter((link) => link.child === child);
    if (links.length === 0) continue;
    rewriteLines(parts, parent, links, linkLines(parts, links));
    openLinkedPorts(parts, parent, all);
  }
}

/** Lets a running container reach the exposed ports of those it is linked to, where neighbours cannot otherwise. */
export function openLinkedPorts(
  parts: Pick<ContainerParts, "network" | "registry">,
  container: Container,
  links: readonly Link[] = linksOf(parts, container),
): void {
  if (links.length === 0) return;
  parts.network.setLinks(
    container.id,
    // A container may be linked to another by several names.
    [...new Set(links.map(({ child }) => child))].map((child) => ({
      containerId: child.id,
      ports: Object.keys(child.document.config.ExposedPorts ?? {}),
    })),
  );
}

/** Puts lines for links in the place of the ones there are, which are known by their first name. */
function rewriteLines(
  parts: ContainerParts,
  parent: Container,
  links: readonly Link[],
  lines: readonly string[],
): void {
  const { hosts } = etcFilesOf(parts, parent);
  if (!existsSync(hosts)) return;
  const aliases = new Set(links.map(({ alias }) => alias));
  const kept = readFileSync(hosts, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !aliases.has(line.split(/\s+/)[1] ?? ""));
  // In place: the container has this very file mounted.
  writeFileSync(hosts, [...kept, ...lines, ""].join("\n"));
}

/** `rm --link web/database`: takes the link from the container that has it. */
export async function removeLink(parts: ContainerParts, reference: string): Promise<void> {
  const [, name = "", alias = ""] = /^\/?([^/]+)\/([^/]+)$/.exec(reference) ?? [];
  if (name === "") throw errors.linkInvalid(reference);
  const parent = parts.registry.get(name);
  await parts.locks.run(parent.id, () => {
    const { document } = parent;
    const links = linksOf(parts, parent);
    const gone = links.filter((link) => link.alias === alias);
    if (gone.length === 0) throw errors.linkUnknown(parent.name, alias);
    document.hostConfig = {
      ...document.hostConfig,
      Links: links.flatMap((link) => (link.alias === alias ? [] : [`${link.child.id}:${link.alias}`])),
    };
    parts.registry.saveDocument(parent);
    if (!hasProcess(parent)) return;
    rewriteLines(parts, parent, gone, []);
    parts.network.setLinks(parent.id, []);
    openLinkedPorts(parts, parent);
  });
}
