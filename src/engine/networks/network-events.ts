import type { Endpoint, NetworkService } from "#network";
import type { EventService } from "../contract.ts";

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

/** The network service, with events for what users do to networks. */
export function withNetworkEvents(network: NetworkService, events: EventService): NetworkService {
  const report = (action: string, record: { id: string; name: string; driver: string }) =>
    events.emit({
      type: "network",
      action,
      actor: { id: record.id, attributes: { name: record.name, type: record.driver } },
    });
  return {
    ...network,
    create: async (request) => {
      const record = await network.create(request);
      report("create", record);
      return record;
    },
    remove: async (reference) => {
      const record = network.get(reference);
      await network.remove(reference);
      report("destroy", record);
    },
  };
}
