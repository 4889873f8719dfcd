export type { BuildKit, BuildKitParts, SessionBuild } from "./buildkit.ts";
export type { BuildClient, SentDockerfile } from "./solve/build-client.ts";
export type { Choice } from "./solve/solver.ts";

/** The protocol's parts, loaded when the first client comes that speaks it. */
export async function loadBuildKit() {
  const { createBuildKit } = await import("./buildkit.ts");
  return { createBuildKit };
}
