import { join } from "node:path";
import { type LogConfiguration, logConfiguration } from "#logs";
import type { LogTarget } from "#supervisor";
import type { Container, ContainerDocument } from "./container.ts";
import type { ContainerParts } from "./parts.ts";

/** A container's `--log-driver` and `--log-opt`, checked. Throws invalid in Docker's words. */
export function logConfigurationOf(
  id: string,
  name: string,
  document: Pick<ContainerDocument, "config" | "hostConfig" | "imageId" | "imageName" | "created" | "path" | "args">,
): LogConfiguration {
  const { config, hostConfig } = document;
  return logConfiguration(hostConfig.LogConfig?.Type || "json-file", hostConfig.LogConfig?.Config ?? {}, {
    id,
    name,
    imageId: document.imageId,
    imageName: document.imageName,
    command: [document.path, ...document.args],
    created: document.created,
    labels: config.Labels ?? {},
    environment: config.Env ?? [],
  });
}

/** The file a container's output is in; undefined when none is kept. */
export function logPathOf(
  parts: Pick<ContainerParts, "paths">,
  container: Container,
  { file }: LogConfiguration,
): string | undefined {
  return file === undefined ? undefined : join(parts.paths.containers, container.id, file.name);
}

/** What the supervisor is to do with a container's output. */
export function logTargetOf(
  parts: Pick<ContainerParts, "paths">,
  container: Container,
  configuration: LogConfiguration,
): LogTarget {
  const { file } = configuration;
  if (file === undefined) return { driver: "none" };
  const { name, ...settings } = file;
  return { driver: "json-file", path: join(parts.paths.containers, container.id, name), ...settings };
}
