import {
  addDummy,
  addVlan,
  deleteLink,
  errorCode,
  findLink,
  knowsLinkKind,
  type Link,
  type NetlinkSocket,
} from "#linux";
import { errors } from "../errors.ts";

/** The interface of the host that a macvlan or ipvlan network hangs on. */
export type ParentInterface = {
  readonly name: string;
  /** It is made for the network, and goes with it. */
  readonly own: boolean;
};

/** Which parent a new network has: the one it names, one to be made for its VLAN, or one that leads nowhere. */
export function chooseParent(socket: NetlinkSocket, requested: string, networkId: string): ParentInterface {
  if (requested === "") return { name: `dm-${networkId.slice(0, 12)}`, own: true };
  return { name: requested, own: vlanOf(requested) !== undefined && findLink(socket, requested) === undefined };
}

/** "eth0.10" as interface and VLAN number. */
function vlanOf(name: string): { readonly base: string; readonly id: number } | undefined {
  const [, base, number] = /^(.+)\.(\d+)$/.exec(name) ?? [];
  return base === undefined ? undefined : { base, id: Number(number) };
}

/** Throws unsupported when the host's kernel cannot make such interfaces. */
export function checkKernel(socket: NetlinkSocket, driver: "macvlan" | "ipvlan"): void {
  if (!knowsLinkKind(socket, driver)) throw errors["network-kernel-lacks"](`${driver} interfaces`, driver);
}

/** The index of the parent on the host, made when it is the network's own. Idempotent. */
export function ensureParent(socket: NetlinkSocket, parent: ParentInterface): number {
  const present = findLink(socket, parent.name);
  if (present !== undefined) return present.index;
  if (!parent.own) throw errors["network-parent-missing"](parent.name);
  make(socket, parent.name);
  return existing(socket, parent.name).index;
}

function make(socket: NetlinkSocket, name: string): void {
  const vlan = vlanOf(name);
  if (vlan === undefined) {
    attempt("dummy interfaces", "dummy", () => socket.send(addDummy(name)));
    return;
  }
  if (vlan.id < 1 || vlan.id > 4094) {
    throw errors["network-invalid-option"]("parent", `vlan id must be between 1-4094, received: ${vlan.id}`);
  }
  const base = existing(socket, vlan.base);
  attempt("VLAN interfaces", "8021q", () => socket.send(addVlan(name, base.index, vlan.id)));
}

function existing(socket: NetlinkSocket, name: string): Link {
  const link = findLink(socket, name);
  if (link === undefined) throw errors["network-parent-missing"](name);
  return link;
}

function attempt(what: string, module: string, work: () => unknown): void {
  try {
    work();
  } catch (error) {
    if (errorCode(error) === "EOPNOTSUPP") throw errors["network-kernel-lacks"](what, module);
    throw error;
  }
}

/** Removes a network's own parent; no error when it is not there. */
export function removeParent(socket: NetlinkSocket, parent: ParentInterface): void {
  if (parent.own && findLink(socket, parent.name) !== undefined) socket.send(deleteLink(parent.name));
}
