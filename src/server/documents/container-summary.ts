import type { ContainerView, MountPoint } from "#engine";
import type { ContainerSummary, MountPointDocument } from "#formats";
import type { ApiVersion } from "../http/version.ts";
import { commandLine, statusProse } from "./container-status.ts";
import { endpointDocuments, portSummaries } from "./networking.ts";

/** A mount as list and inspect show it. */
export function mountDocument(mount: MountPoint): MountPointDocument {
  const document: MountPointDocument = {
    Type: mount.type,
    Source: mount.source,
    Destination: mount.destination,
    Mode: mount.mode,
    RW: mount.writable,
    Propagation: mount.propagation,
  };
  if (mount.name !== "") document.Name = mount.name;
  if (mount.driver !== "") document.Driver = mount.driver;
  return document;
}

/** One element of `GET /containers/json`. `imageShown` is the name given, or the id when the name moved on. */
export function containerSummary(
  container: ContainerView,
  imageShown: string,
  nowMs: number,
  version: ApiVersion,
): ContainerSummary {
  const { Annotations: annotations, NetworkMode: networkMode } = container.hostConfig;
  return {
    Id: container.id,
    Names: [container.name, ...container.linkNames].map((name) => `/${name}`).toSorted(),
    Image: imageShown,
    ImageID: container.imageId,
    Command: commandLine(container.path, container.args),
    Created: Number(container.created / 1_000_000_000n),
    Ports: portSummaries(container),
    Labels: container.config.Labels ?? {},
    State: container.state.status,
    Status: statusProse(container.state, nowMs),
    HostConfig:
      version >= 46 && annotations !== null && annotations !== undefined && Object.keys(annotations).length > 0
        ? { NetworkMode: networkMode ?? "bridge", Annotations: annotations }
        : { NetworkMode: networkMode ?? "bridge" },
    NetworkSettings: { Networks: endpointDocuments(container, version) },
    Mounts: container.mounts.map(mountDocument),
  };
}
