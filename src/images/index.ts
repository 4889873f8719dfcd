export * from "./contract.ts";
export { detectCompression, decompress } from "./extract/decompress.ts";
export { extractInto, tarOfDirectory } from "./directory-archive.ts";
export { type ImageStore, openImageStore, type StorageDriver } from "./open-store.ts";
