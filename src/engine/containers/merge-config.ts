import type { ContainerConfig, HealthConfig } from "#formats";
import { errors } from "../errors.ts";

const empty = (list: readonly string[] | null | undefined) => list === null || list === undefined || list.length === 0;

function mergeEnvironment(image: readonly string[], user: readonly string[]): string[] {
  const key = (entry: string) => entry.split("=", 1)[0] ?? "";
  const named = new Set(user.map(key));
  return [...user, ...image.filter((entry) => !named.has(key(entry)))];
}

function mergeHealthcheck(
  image: HealthConfig | null | undefined,
  user: HealthConfig | null | undefined,
): HealthConfig | undefined {
  if (user === null || user === undefined) return image ?? undefined;
  if (image === null || image === undefined) return user;
  const zero = (value: number | null | undefined) => value === null || value === undefined || value === 0;
  return {
    Test: empty(user.Test) ? image.Test : user.Test,
    Interval: zero(user.Interval) ? image.Interval : user.Interval,
    Timeout: zero(user.Timeout) ? image.Timeout : user.Timeout,
    StartPeriod: zero(user.StartPeriod) ? image.StartPeriod : user.StartPeriod,
    StartInterval: zero(user.StartInterval) ? image.StartInterval : user.StartInterval,
    Retries: zero(user.Retries) ? image.Retries : user.Retries,
  };
}

/**
 * What the user asked for over what the image says (moby `daemon/commit.go`, merge): labels, volumes and exposed ports
 * unite, environment merges by key, ENTRYPOINT given drops the image's CMD.
 */
export function mergeConfig(user: ContainerConfig, image: ContainerConfig): ContainerConfig {
  let entrypoint = user.Entrypoint;
  let command = user.Cmd;
  if (empty(entrypoint)) {
    if (empty(command)) command = image.Cmd ?? command;
    entrypoint ??= image.Entrypoint;
  } else if (entrypoint?.length === 1 && entrypoint[0] === "") {
    // `--entrypoint ""`: no entrypoint, and no CMD of the image either.
    entrypoint = null;
  }
  return {
    ...user,
    User: user.User === undefined || user.User === null || user.User === "" ? (image.User ?? "") : user.User,
    ExposedPorts: { ...image.ExposedPorts, ...user.ExposedPorts },
    Env: mergeEnvironment(image.Env ?? [], user.Env ?? []),
    Entrypoint: entrypoint,
    Cmd: command,
    Labels: { ...image.Labels, ...user.Labels },
    Volumes: { ...image.Volumes, ...user.Volumes },
    WorkingDir: (user.WorkingDir ?? "") === "" ? (image.WorkingDir ?? "") : user.WorkingDir,
    StopSignal: (user.StopSignal ?? "") === "" ? image.StopSignal : user.StopSignal,
    StopTimeout: user.StopTimeout ?? image.StopTimeout,
    Shell: empty(user.Shell) ? image.Shell : user.Shell,
    Healthcheck: mergeHealthcheck(image.Healthcheck, user.Healthcheck),
  };
}

/** Path and arguments of the init process; throws `no command specified`. */
export function commandOf(config: ContainerConfig): { readonly path: string; readonly args: readonly string[] } {
  const words = [...(config.Entrypoint ?? []), ...(config.Cmd ?? [])];
  const [path, ...args] = words;
  // An empty word is one: that there is no such program is found at the start.
  if (path === undefined) throw errors.noCommand();
  return { path, args };
}
