import type { Endpoint, NetworkRecord, NetworkService } from "#network";
import type { EventService } from "../contract/index.ts";

/** Reports that a container joined or left its networks. */
export function emitEndpointEvents(
  parts: { readonly events: EventService; readonly network: Pick<NetworkService, "list"> },
  action: "connect" | "disconnect",
  containerId: string,
  endpoints: readonly Endpoint[],
): void {
  for (const endpoint of endpoints) {
    const driver = parts.network.list().find((record) => record.id === endpoint.networkId)?.driver ?? "bridge";
    parts.events.emit({
      type: "network",
      action,
      actor: {
        id: endpoint.networkId,
        attributes: { container: containerId, name: endpoint.networkName, type: driver },
      },
    });
  }
}

/** Reports what a user did to a network. */
export function emitNetworkEvent(events: EventService, action: "create" | "destroy", record: NetworkRecord): void {
  events.emit({
    type: "network",
    action,
    actor: { id: record.id, attributes: { name: record.name, type: record.driver } },
  });
}
