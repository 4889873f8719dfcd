export { receiveDescriptor, sendDescriptor } from "./rights.ts";
export { acceptUnix, listenUnix, packetSocketPair, shutdownWrite } from "./unix.ts";
