import type { Container } from "../containers/container.ts";
import type { ContainerParts } from "../containers/parts.ts";

/** A container on the default bridge that another one on it knows by a name of its own. */
export type Link = { readonly child: Container; readonly alias: string };

/** The address on the default bridge that a link means; "" while the container does not run. */
export function addressOfLink(parts: Pick<ContainerParts, "network">, child: Container): string {
  return parts.network.describe(child.id).endpoints.find(({ networkName }) => networkName === "bridge")?.ipv4 ?? "";
}

/** Lines of /etc/hosts for links. */
export function linkLines(parts: Pick<ContainerParts, "network">, links: readonly Link[]): readonly string[] {
  return links.flatMap(({ child, alias }) => {
    const address = addressOfLink(parts, child);
    const hostname = child.document.config.Hostname ?? "";
    const names = [...new Set([alias, hostname, child.name])].filter((name) => name !== "");
    return address === "" ? [] : [`${address}\t${names.join(" ")}`];
  });
}
