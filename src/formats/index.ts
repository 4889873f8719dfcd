export * from "./docker/container.ts";
export * from "./oci/image.ts";
export * from "./oci/runtime.ts";
