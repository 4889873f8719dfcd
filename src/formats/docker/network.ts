import * as v from "valibot";
import { endpointSettingsSchema } from "./container.ts";

const stringMap = v.nullish(v.record(v.string(), v.string()));

/** `IPAMConfig`: one address pool of a network. */
export const ipamPoolSchema = v.object({
  Subnet: v.nullish(v.string()),
  IPRange: v.nullish(v.string()),
  Gateway: v.nullish(v.string()),
  AuxiliaryAddresses: stringMap,
});
/** An entry of `IPAM.Config`. */
export type IpamPool = v.InferOutput<typeof ipamPoolSchema>;

/** The body of `POST /networks/create`. */
export const createNetworkSchema = v.object({
  Name: v.string(),
  CheckDuplicate: v.nullish(v.boolean()),
  Driver: v.nullish(v.string()),
  Scope: v.nullish(v.string()),
  Internal: v.nullish(v.boolean()),
  Attachable: v.nullish(v.boolean()),
  Ingress: v.nullish(v.boolean()),
  ConfigOnly: v.nullish(v.boolean()),
  ConfigFrom: v.nullish(v.object({ Network: v.nullish(v.string()) })),
  IPAM: v.nullish(
    v.object({ Driver: v.nullish(v.string()), Config: v.nullish(v.array(ipamPoolSchema)), Options: stringMap }),
  ),
  EnableIPv4: v.nullish(v.boolean()),
  EnableIPv6: v.nullish(v.boolean()),
  Options: stringMap,
  Labels: stringMap,
});
/** Body of `POST /networks/create`. */
export type CreateNetworkBody = v.InferOutput<typeof createNetworkSchema>;

/** The body of `POST /networks/{id}/connect`. */
export const connectNetworkSchema = v.object({
  Container: v.string(),
  EndpointConfig: v.nullish(endpointSettingsSchema),
});
/** Body of `POST /networks/{id}/connect`. */
export type ConnectNetworkBody = v.InferOutput<typeof connectNetworkSchema>;

/** The body of `POST /networks/{id}/disconnect`. */
export const disconnectNetworkSchema = v.object({ Container: v.string(), Force: v.nullish(v.boolean()) });

/** A container's place in a network's inspect. */
export type NetworkContainerDocument = {
  Name: string;
  EndpointID: string;
  MacAddress: string;
  IPv4Address: string;
  IPv6Address: string;
};

/** The answer of `GET /networks/{id}`; the list leaves `Containers` empty. */
export type NetworkDocument = {
  Name: string;
  Id: string;
  Created: string;
  Scope: string;
  Driver: string;
  EnableIPv4?: boolean;
  EnableIPv6: boolean;
  IPAM: {
    Driver: string;
    Options: Record<string, string> | null;
    Config:
      | { Subnet?: string; IPRange?: string; Gateway?: string; AuxiliaryAddresses?: Record<string, string> }[]
      | null;
  };
  Internal: boolean;
  Attachable: boolean;
  Ingress: boolean;
  ConfigFrom: { Network: string };
  ConfigOnly: boolean;
  Containers: Record<string, NetworkContainerDocument>;
  Options: Readonly<Record<string, string>>;
  Labels: Readonly<Record<string, string>>;
};
