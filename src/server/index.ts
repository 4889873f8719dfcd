export { createServer } from "./server.ts";
export { type ListenAddress, parseListenAddress } from "./http/listener.ts";
export type { ServerVersion } from "./parts.ts";
/** Every route as declared; the compatibility table is generated from it. */
