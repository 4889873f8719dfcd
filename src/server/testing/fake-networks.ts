import type { Engine } from "#engine";
import { type FakeState, notFound } from "./fake-state.ts";

/** The default bridge alone. */
export function fakeNetworks(fake: FakeState): Engine["networks"] {
  const networks = [
    {
      id: "b".repeat(64),
      name: "bridge",
      driver: "bridge" as const,
      createdMs: 0,
      enableIpv4: true,
      enableIpv6: false,
      pools: [{ subnet: "172.30.0.0/16", gateway: "172.30.0.1", given: false }],
      ipamDriver: "default",
      ipamOptions: {},
      internal: false,
      attachable: false,
      configOnly: false,
      configFrom: "",
      options: {},
      labels: {},
    },
  ];
  const getNetwork = (reference: string) => {
    const network = networks.find((candidate) => candidate.id.startsWith(reference) || candidate.name === reference);
    if (network === undefined) throw notFound(`network ${reference} not found`);
    return network;
  };
  return {
    list: () => networks,
    get: getNetwork,
    async create(request) {
      fake.record("network create", request);
      return { ...networks[0]!, name: request.name, id: "c".repeat(64), labels: request.labels };
    },
    async remove(reference) {
      fake.record("network remove", reference);
      getNetwork(reference);
    },
    isPredefined: (network) => network.name === "bridge",
    endpointsOf: () => [],
    async connect(network, container, settings) {
      fake.record("network connect", getNetwork(network).name, container, settings);
    },
    async disconnect(network, container, options) {
      fake.record("network disconnect", getNetwork(network).name, container, options);
    },
  };
}
