import { resolve } from "node:path";
import { parseRamBytes, readCsvRecord } from "#base";
import type { MountRequest } from "#formats";

/** Thrown with the sentence to show; the caller says which flag it belongs to. */
function problem(sentence: string): never {
  throw new Error(sentence);
}

function parseFlag(name: string, value: string | undefined): boolean {
  if (value === undefined) return true;
  if (/^(?:1|t|true)$/i.test(value)) return true;
  if (/^(?:0|f|false)$/i.test(value)) return false;
  return problem(`invalid value for ${name}: ${value}`);
}

type Draft = { -readonly [Key in keyof MountRequest]: MountRequest[Key] };

function applyRecursive(options: NonNullable<Draft["BindOptions"]>, value: string): void {
  switch (value) {
    case "enabled":
      return;
    case "disabled":
      options.NonRecursive = true;
      return;
    case "writable":
      options.ReadOnlyNonRecursive = true;
      return;
    case "readonly":
      options.ReadOnlyForceRecursive = true;
      return;
    default:
      problem(`invalid value for bind-recursive: ${value} (must be "enabled", "disabled", "writable", or "readonly")`);
  }
}

const valueless = new Set(["readonly", "ro", "volume-nocopy", "bind-nonrecursive", "bind-create-src"]);

function applyField(mount: Draft, field: string): void {
  const equals = field.indexOf("=");
  const key = (equals < 0 ? field : field.slice(0, equals)).toLowerCase();
  const given = equals < 0 ? undefined : field.slice(equals + 1);
  if (key !== key.trim()) problem(`invalid option '${key}' in '${field}': option should not have whitespace`);
  if (given === undefined && !valueless.has(key)) problem(`invalid field '${field}' must be a key=value pair`);
  const value = given ?? "";
  const bind = () => (mount.BindOptions ??= {});
  const volume = () => (mount.VolumeOptions ??= {});
  const tmpfs = () => (mount.TmpfsOptions ??= {});
  switch (key) {
    case "type":
      mount.Type = value.toLowerCase() as MountRequest["Type"];
      return;
    case "source":
    case "src":
      mount.Source = value === "." || value.startsWith("./") || value.startsWith("../") ? resolve(value) : value;
      return;
    case "target":
    case "dst":
    case "destination":
      mount.Target = value;
      return;
    case "readonly":
    case "ro":
      mount.ReadOnly = parseFlag(key, given);
      return;
    case "consistency":
      mount.Consistency = value.toLowerCase();
      return;
    case "bind-propagation":
      bind().Propagation = value.toLowerCase() as NonNullable<MountRequest["BindOptions"]>["Propagation"];
      return;
    case "bind-nonrecursive":
      bind().NonRecursive = parseFlag(key, given);
      return;
    case "bind-recursive":
      applyRecursive(bind(), value);
      return;
    case "bind-create-src":
      bind().CreateMountpoint = parseFlag(key, given);
      return;
    case "volume-subpath":
      volume().Subpath = value;
      return;
    case "volume-nocopy":
      volume().NoCopy = parseFlag(key, given);
      return;
    case "volume-label": {
      const [name = "", ...rest] = value.split("=");
      volume().Labels = { ...volume().Labels, [name]: rest.join("=") };
      return;
    }
    case "volume-driver":
      volume().DriverConfig = { ...volume().DriverConfig, Name: value };
      return;
    case "volume-opt": {
      const [name = "", ...rest] = value.split("=");
      const config = volume().DriverConfig;
      volume().DriverConfig = { ...config, Options: { ...config?.Options, [name]: rest.join("=") } };
      return;
    }
    case "image-subpath":
      mount.ImageOptions = { Subpath: value };
      return;
    case "tmpfs-size": {
      const size = parseRamBytes(value);
      if (size === undefined) problem(`invalid value for ${key}: ${value}`);
      tmpfs().SizeBytes = size;
      return;
    }
    case "tmpfs-mode":
      if (!/^[0-7]+$/.test(value)) problem(`invalid value for ${key}: ${value}`);
      tmpfs().Mode = Number.parseInt(value, 8);
      return;
    default:
      problem(`unexpected key '${key}' in '${field}'`);
  }
}

/** Reads one `--mount`: CSV of `key=value`. Throws an Error with docker's sentence. */
export function parseMount(text: string): MountRequest {
  const mount: Draft = { Type: "volume" };
  for (const field of readCsvRecord(text)) applyField(mount, field);
  if (!mount.Type) problem("type is required");
  if ((mount.Target ?? "") === "") problem("target is required");
  const mixed = (options: string) => problem(`cannot mix '${options}' options with mount type '${mount.Type}'`);
  if (mount.VolumeOptions != null && mount.Type !== "volume") mixed("volume-*");
  if (mount.ImageOptions != null && mount.Type !== "image") mixed("image-*");
  if (mount.BindOptions != null && mount.Type !== "bind") mixed("bind-*");
  if (mount.TmpfsOptions != null && mount.Type !== "tmpfs") mixed("tmpfs-*");
  checkRecursion(mount);
  return mount;
}

/** What `bind-recursive` needs beside it. */
function checkRecursion({ BindOptions: bind, ReadOnly: readOnly }: MountRequest): void {
  const word =
    bind?.ReadOnlyNonRecursive === true ? "writable" : bind?.ReadOnlyForceRecursive === true ? "readonly" : "";
  if (word === "") return;
  const needs = (what: string) =>
    problem(`option 'bind-recursive=${word}' requires '${what}' to be specified in conjunction`);
  if (readOnly !== true) needs("readonly");
  if (word === "readonly" && bind?.Propagation !== "rprivate") needs("bind-propagation=rprivate");
}

/** What is wrong with one `--mount`, for the flag's check. */
export function mountProblem(text: string): string | undefined {
  try {
    parseMount(text);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/**
 * Reads `--volume`: `[source:]target[:options]`. Without a source it is an anonymous volume; a source that starts with
 * `.` or `~/` is a path of ours, made absolute here because the daemon has another working directory.
 */
export function parseVolumes(specs: readonly string[]): { binds: string[]; anonymous: Record<string, object> } {
  const binds: string[] = [];
  const anonymous: Record<string, object> = {};
  for (const spec of specs) {
    const colon = spec.indexOf(":");
    if (colon < 0) {
      anonymous[spec] = {};
      continue;
    }
    const source = spec.slice(0, colon);
    binds.push(/^\.{1,2}(?:\/|$)/.test(source) ? resolve(source) + spec.slice(colon) : spec);
  }
  return { binds, anonymous };
}

/** Reads `--tmpfs`: `path[:options]`. */
export function parseTmpfs(specs: readonly string[]): Record<string, string> {
  const mounts: Record<string, string> = {};
  for (const spec of specs) {
    const colon = spec.indexOf(":");
    if (colon < 0) mounts[spec] = "";
    else mounts[spec.slice(0, colon)] = spec.slice(colon + 1);
  }
  return mounts;
}
