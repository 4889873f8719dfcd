import { createHash } from "node:crypto";

/** Whose names to derive: several daemons share one host. */
export type Instance = { readonly id: string; readonly isDefault: boolean };

/** The names an instance uses on the host; no two instances share any. */
export type InstanceNames = {
  readonly defaultBridge: string;
  readonly table: string;
  /** Marks rules put into another program's chain. */
  readonly ruleComment: string;
};

function shortHash(text: string, length: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, length);
}

export function namesOf({ id, isDefault }: Instance): InstanceNames {
  const hash = shortHash(id, 12);
  return {
    defaultBridge: isDefault ? "berth0" : `br-${hash}`,
    table: isDefault ? "berth" : `berth_${hash}`,
    ruleComment: `berth:${isDefault ? "default" : hash}`,
  };
}

/** A predefined network's id: the same for the life of the installation, without being stored anywhere else. */
export function predefinedNetworkId(instance: Instance, name: string): string {
  return shortHash(`${instance.id}/network/${name}`, 64);
}

/** Bridge of a user-defined network, as Docker names it. */
export function bridgeNameOf(networkId: string): string {
  return `br-${networkId.slice(0, 12)}`;
}

/** Host side of an endpoint's veth; interface names have at most 15 characters. */
export function hostInterfaceOf(endpointId: string): string {
  return `bv${endpointId.slice(0, 12)}`;
}
