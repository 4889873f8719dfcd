export { addAddress, deleteAddress, type InterfaceAddress, listAddresses } from "./address.ts";
export { addChildLink, addDummy, addVlan, type ChildLink, knowsLinkKind } from "./child-link.ts";
export {
  addBridge,
  addVeth,
  deleteLink,
  findLink,
  type Link,
  type LinkCounters,
  linkCounters,
  listLinks,
  setBridgePort,
  setLinkMaster,
  setLinkUp,
  type VethOptions,
} from "./link.ts";
export { deleteLinkElsewhere } from "./removal.ts";
export { type DefaultRoute, deleteDefaultRoute, listRoutes, type Route, setDefaultRoute } from "./route.ts";
export {
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  type NetlinkReply,
  type NetlinkRequest,
  type NetlinkSocket,
  openNetlink,
} from "./socket.ts";
