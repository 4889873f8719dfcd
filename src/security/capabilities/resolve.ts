import type { RuntimeProcess } from "#formats";
import { errors } from "../errors.ts";
import { availableCapabilities, capabilityNames, defaultCapabilities } from "./names.ts";

/** What a container asks for, in the spellings Docker takes. */
export type CapabilityRequest = {
  readonly add: readonly string[];
  readonly drop: readonly string[];
  readonly privileged: boolean;
};

const known = new Set<string>(capabilityNames);

function normalize(list: "CapAdd" | "CapDrop", names: readonly string[], available: ReadonlySet<string>): Set<string> {
  const normalized = new Set<string>();
  for (const given of names) {
    const upper = given.toUpperCase();
    if (upper === "ALL" || upper === "CAP_ALL") {
      normalized.add("ALL");
      continue;
    }
    const name = upper.startsWith("CAP_") ? upper : `CAP_${upper}`;
    if (!known.has(name)) throw errors.capabilityUnknown(list, name);
    // Dropping what nobody has is no error.
    if (list === "CapAdd" && !available.has(name)) throw errors.capabilityUnavailable(list, name);
    normalized.add(name);
  }
  return normalized;
}

/**
 * The capabilities of a container (moby `daemon/pkg/oci/caps`, TweakCapabilities): add ALL = all but the dropped ones;
 * drop ALL = only the added ones; otherwise the default ones, less the dropped, plus the added.
 */
export function resolveCapabilities(
  request: CapabilityRequest,
  available: readonly string[] = availableCapabilities(),
): readonly string[] {
  const offered = new Set(available);
  const add = normalize("CapAdd", request.add, offered);
  const drop = normalize("CapDrop", request.drop, offered);
  if (request.privileged) return available;
  if (add.has("ALL")) return available.filter((name) => !drop.has(name));
  if (drop.has("ALL")) return [...add];
  const kept = defaultCapabilities.filter((name) => offered.has(name) && !drop.has(name));
  return [...new Set([...kept, ...add])];
}

/**
 * The sets of a process: never inheritable or ambient (CVE-2022-24769), and for a user other than root only bounding,
 * which is what execve(2) would leave.
 */
export function capabilitySets(
  capabilities: readonly string[],
  uid: number,
): NonNullable<RuntimeProcess["capabilities"]> {
  const held = uid === 0 ? [...capabilities] : [];
  return { bounding: [...capabilities], effective: held, permitted: [...held], inheritable: [], ambient: [] };
}
