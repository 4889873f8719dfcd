import type { BuilderParts } from "./builder.ts";
import type { BuildRequest } from "./contract.ts";
import { errors } from "./errors.ts";
import type { BuildParts } from "./run/build-parts.ts";

/** Refuses what this builder cannot do; returns the network of RUN steps. */
export function checkRequest(request: BuildRequest, parts: BuilderParts): BuildParts["network"] {
  const isBuildkit = request.dialect === "buildkit";
  if (!isBuildkit && request.remote !== undefined && request.remote !== "") {
    throw errors["build-context-unsupported"](request.remote);
  }
  if (request.squash) throw errors["build-squash"]();
  if (!isBuildkit && request.version !== undefined && request.version !== "" && request.version !== "1") {
    throw errors["build-option-unsupported"](
      `builder version ${request.version}`,
      "only the classic builder, 1, is there",
    );
  }
  if (!isBuildkit && request.outputs !== undefined && request.outputs !== "") {
    throw errors["build-option-unsupported"]("outputs", "they belong to BuildKit, and this is the classic builder");
  }
  if (request.pull && parts.pullImage === undefined && request.pullImage === undefined) {
    throw errors["build-option-unsupported"]("pull", "this engine cannot fetch images from registries");
  }
  for (const entry of request.extraHosts) {
    if (!/^[^:=]+[:=].+$/.test(entry)) {
      throw errors["build-option-invalid"]("extra host", `${JSON.stringify(entry)} is not name:address`);
    }
  }
  if (request.shmSizeBytes !== undefined && request.shmSizeBytes < 0) {
    throw errors["build-option-invalid"]("shm size", `${request.shmSizeBytes} is not greater than 0`);
  }
  const isHost = isBuildkit && request.networkMode === "host";
  if (isHost && !(request.entitlements ?? []).includes("network.host")) {
    throw errors["build-entitlement-missing"]("network.host");
  }
  return networkOf(request.networkMode);
}

function networkOf(mode: string | undefined): BuildParts["network"] {
  if (mode === undefined || mode === "" || mode === "default" || mode === "bridge") return "default";
  if (mode === "none" || mode === "host") return mode;
  const container = /^container:(.+)$/.exec(mode)?.[1];
  if (container !== undefined) return { containerId: container };
  return { networkName: mode };
}
