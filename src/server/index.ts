export { type ApiServer, createServer, type ServerOptions } from "./server.ts";
export { type Listener, type ListenAddress, parseListenAddress, type TlsFiles } from "./http/listener.ts";
export type { ImageBuilder, ServerVersion } from "./parts.ts";
export { routes } from "./routes/table.ts";
export type { Route } from "./http/route.ts";
export { MAX_API_VERSION, MIN_API_VERSION } from "./http/version.ts";
