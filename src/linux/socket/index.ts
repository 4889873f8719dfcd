export { connectDatagram, sendDatagram } from "./datagram.ts";
export {
  acceptStream,
  answerDatagram,
  connectInet,
  type DatagramOrigin,
  receiveDatagram,
  streamFailure,
  tellDestinations,
} from "./inet.ts";
export { isHungUp } from "./hang-up.ts";
export { groupsOf, peerOf } from "./peer.ts";
export { receiveDescriptor, sendDescriptor } from "./rights.ts";
export { acceptUnix, listenUnix, packetSocketPair, shutdownWrite } from "./unix.ts";
