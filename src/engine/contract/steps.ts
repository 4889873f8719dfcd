import type { HostConfig, UpdateContainerBody } from "#formats";

/** A command of a build, run in a mounted root file system with a container's isolation, but no row, name or log. */
export type StepRequest = {
  /** Mounted root; the step writes into it. */
  readonly rootfs: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly cwd: string;
  /** As in USER; resolved against the rootfs's passwd and group. */
  readonly user: string;
  readonly hostname?: string | undefined;
  readonly network: "default" | "none" | "host" | { readonly containerId: string } | { readonly networkName: string };
  /** Everything allowed, as `run --privileged`. @default false */
  readonly privileged?: boolean | undefined;
  /** CDI devices by their qualified names. */
  readonly devices?: readonly { readonly name: string; readonly required: boolean }[] | undefined;
  /** The group of `openGroup`, whose limits hold for all steps in it. */
  readonly group?: string | undefined;
  readonly extraHosts: readonly string[];
  readonly resources: UpdateContainerBody;
  readonly shmSizeBytes?: number | undefined;
  readonly ulimits?: HostConfig["Ulimits"];
  readonly securityOpt?: readonly string[] | undefined;
  readonly cgroupParent?: string | undefined;
  /** What is mounted over the step's root; the runtime makes the mount points where they are missing. */
  readonly mounts?: readonly StepMount[] | undefined;
  readonly output: (stream: "stdout" | "stderr", data: Uint8Array) => void;
  readonly signal?: AbortSignal | undefined;
};

/** A file, directory or socket of the host, or an empty tmpfs, that a step sees. */
export type StepMount =
  | { readonly source: string; readonly destination: string; readonly readonly: boolean }
  | { readonly tmpfsBytes: number | undefined; readonly destination: string };

/** A build's RUN: a container without row, name and log. */
export type StepService = {
  /**
   * Makes a control group for the steps of one build, with limits for all of them together. Throws kind invalid for
   * limits that make no sense here.
   */
  openGroup(resources: UpdateContainerBody, parent: string | undefined): StepGroup;
  /** Where the devices of a step mount something into it, besides the mounts of the request. */
  deviceMountPoints(devices: NonNullable<StepRequest["devices"]>): readonly string[];
  /** Runs to the end; the exit code is the result. Rejects when it could not be started or was cancelled. */
  run(request: StepRequest): Promise<{ readonly exitCode: number; readonly oomKilled: boolean }>;
};

/** A build's control group. `close` ends what is left in it. */
export type StepGroup = { readonly path: string; oomKills(): number; close(): Promise<void> };
