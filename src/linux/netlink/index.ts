export { addAddress, deleteAddress, type InterfaceAddress, type Ipv4Number, listAddresses } from "./address.ts";
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
export { addDefaultRoute, listRoutes, type Route } from "./route.ts";
export {
  NETLINK_NETFILTER,
  NETLINK_ROUTE,
  type NetlinkReply,
  type NetlinkRequest,
  type NetlinkSocket,
  openNetlink,
} from "./socket.ts";
