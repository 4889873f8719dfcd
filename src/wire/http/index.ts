export type { Connection, Dialer, Endpoint, TlsMaterial } from "./connection.ts";
export { createIncoming } from "./incoming.ts";
export { nodeDialer, socketConnection } from "./node-dialer.ts";
export { type ReaderFaults, type ResponseHead, ResponseReader } from "./response-reader.ts";
