import type { Container } from "../containers/container.ts";
import type { ContainerParts } from "../containers/parts.ts";
import { dnsNamesOf } from "./join-requests.ts";

/** Tells a running container's networks its new name. */
export function renameOnNetworks(parts: Pick<ContainerParts, "network">, container: Container): void {
  const { networkRequests } = container.document;
  parts.network.rename(container.id, container.name, (networkId) => {
    const record = parts.network.get(networkId);
    return dnsNamesOf(container, networkRequests[record.name]?.Aliases ?? []);
  });
}
