import type { Descriptor, Platform } from "../oci/image.ts";
import type { ContainerConfig } from "./container.ts";

/** One element of `GET /images/json`; -1 = not computed. */
export type ImageSummary = {
  Id: string;
  ParentId: string;
  RepoTags: string[];
  RepoDigests: string[];
  /** Unix seconds. */
  Created: number;
  Size: number;
  SharedSize: number;
  /** Below 1.44. */
  VirtualSize?: number;
  Labels: Record<string, string> | null;
  Containers: number;
  /** When asked for. */
  Manifests?: ImageManifestSummary[];
};

/** A manifest of an image, for one platform or about one; `Available` when what it names is here. */
export type ImageManifestSummary = {
  ID: string;
  Descriptor: Descriptor;
  Available: boolean;
  Size: { Content: number; Total: number };
  Kind: "image" | "attestation" | "unknown";
  ImageData?: { Platform: Platform; Containers: readonly string[]; Size: { Unpacked: number } };
  AttestationData?: { For: string };
};

/** The answer of `GET /images/{name}/json`. */
export type ImageInspect = {
  Id: string;
  RepoTags: string[];
  RepoDigests: string[];
  Parent: string;
  Comment: string;
  Created?: string;
  /** Below 1.45. */
  Container?: string;
  ContainerConfig?: ContainerConfig;
  DockerVersion: string;
  Author: string;
  Config: ContainerConfig;
  Architecture: string;
  Variant?: string;
  Os: string;
  OsVersion?: string;
  Size: number;
  /** Below 1.44. */
  VirtualSize?: number;
  GraphDriver: { Name: string; Data: Readonly<Record<string, string>> | null };
  RootFS: { Type: string; Layers: readonly string[] };
  Metadata: { LastTagTime: string };
  /** When asked for. */
  Manifests?: ImageManifestSummary[];
};

/** One line of `GET /images/{name}/history`, newest first. */
export type ImageHistoryDocument = {
  Id: string;
  Created: number;
  CreatedBy: string;
  Tags: readonly string[] | null;
  Size: number;
  Comment: string;
};

/** One element of the answer of `DELETE /images/{name}`. */
export type ImageDeleteDocument = { Untagged: string } | { Deleted: string };

/** A record of a JSON stream (`build`, `load`, `images/create`): Docker's jsonmessage. */
export type JsonMessage = {
  stream?: string;
  status?: string;
  id?: string;
  progress?: string;
  progressDetail?: { current?: number; total?: number };
  aux?: unknown;
  error?: string;
  errorDetail?: { code?: number; message: string };
};
