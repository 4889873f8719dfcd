import type { NetworkRecord } from "#network";
import type { ContainerParts } from "../containers/parts.ts";
import type { NetworkOperations } from "../contract/index.ts";
import { connectContainer, disconnectContainer } from "./connections.ts";
import { emitNetworkEvent } from "./network-events.ts";
import { endpointsOn } from "./places.ts";

/** Networks as users work with them: with events, and with the containers' say. */
export function createNetworkOperations(parts: ContainerParts): NetworkOperations {
  const { network, registry, locks, events } = parts;
  const find = (reference: string): NetworkRecord | undefined => {
    try {
      return network.get(reference);
    } catch {
      // It has gone; a container may still be recorded as one of its own.
      return undefined;
    }
  };
  return {
    list: () => network.list(),
    get: (reference) => network.get(reference),
    isPredefined: (record) => network.isPredefined(record),
    endpointsOf: (networkId) => endpointsOn(network, registry.all(), networkId),
    create: async (request) => {
      const record = await network.create(request);
      emitNetworkEvent(events, "create", record);
      return record;
    },
    remove: async (reference) => {
      const record = network.get(reference);
      await network.remove(record.id);
      emitNetworkEvent(events, "destroy", record);
    },
    connect: async (reference, containerReference, settings) => {
      // The container first, as Docker looks.
      const container = registry.get(containerReference);
      const record = network.get(reference);
      await locks.run(container.id, () => connectContainer(parts, container, record, settings));
    },
    disconnect: async (reference, containerReference, options) => {
      const container = registry.get(containerReference);
      const record = options.force ? find(reference) : network.get(reference);
      await locks.run(container.id, () => disconnectContainer(parts, container, { reference, record }));
    },
  };
}
