export { receiveDescriptor, sendDescriptor } from "./rights.ts";
export { acceptUnix, listenUnix, packetSocketPair, shutdownWrite, UNIX_PATH_MAX } from "./unix.ts";
