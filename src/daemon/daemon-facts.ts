import type { LogFormat } from "#base";
import { errors } from "./errors.ts";

/** How the daemon's own log is written. */
export function logFormat(text: string): LogFormat {
  if (text === "text" || text === "json") return text;
  throw errors.daemonFlagInvalid("log-format", text, "text or json");
}

/** Labels of the daemon: "key=value", each key once (moby config.GetConflictFreeLabels). */
export function daemonLabels(texts: readonly string[]): readonly string[] {
  const values = new Map<string, string>();
  for (const text of texts) {
    const at = text.indexOf("=");
    const [key, value] = at < 0 ? [text, ""] : [text.slice(0, at), text.slice(at + 1)];
    if (at < 1) throw errors.daemonFlagInvalid("label", text, "key=value");
    const other = values.get(key);
    if (other !== undefined && other !== value) {
      throw errors.daemonFlagInvalid("label", text, `conflict labels for ${key}=${value} and ${key}=${other}`);
    }
    values.set(key, value);
  }
  return [...values].map(([key, value]) => `${key}=${value}`);
}

/** Seconds; -1 = as long as it takes. */
export function shutdownTimeout(given: string | number | undefined): number | undefined {
  if (given === undefined) return undefined;
  const seconds = Number(given);
  if (!Number.isInteger(seconds) || seconds < -1)
    throw errors.daemonFlagInvalid("shutdown-timeout", String(given), "seconds");
  return seconds < 0 ? undefined : seconds;
}

/** dockerd's one option of how containers are run: the driver of control groups, which is the kernel's own file system here. */
export function checkExecOptions(texts: readonly string[]): void {
  for (const text of texts) {
    if (text !== "native.cgroupdriver=cgroupfs") {
      throw errors.daemonFlagInvalid("exec-opt", text, "native.cgroupdriver=cgroupfs; others are not supported");
    }
  }
}

/** Features as Docker names them: what can be switched here, and what has one position. */
export function features(
  flags: readonly string[],
  inFile: Readonly<Record<string, boolean>>,
): { readonly cdi: boolean } {
  const wanted = new Map(Object.entries(inFile));
  for (const text of flags) {
    const [name = "", value = "true"] = text.split("=", 2);
    if (value !== "true" && value !== "false")
      throw errors.daemonFlagInvalid("feature", text, "name=true or name=false");
    wanted.set(name, value === "true");
  }
  for (const [name, isOn] of wanted) {
    const isThere = name === "cdi" || (name === "buildkit" && isOn) || (name === "containerd-snapshotter" && !isOn);
    if (!isThere) {
      throw errors.daemonFlagInvalid(
        "feature",
        `${name}=${String(isOn)}`,
        "cdi can be switched; buildkit is always on, containerd-snapshotter always off, and others are not there",
      );
    }
  }
  return { cdi: wanted.get("cdi") ?? true };
}
