import { errorMessage } from "#base";
import type { PluginFile } from "./find-plugins.ts";

/** How a plugin is asked what it is (docker/cli: cli-plugins/metadata). */
const metadataCommand = "docker-cli-plugin-metadata";
/** A plugin that takes longer to name itself is none. */
const METADATA_MS = 10_000;

/** What a plugin says of itself. */
export type PluginMetadata = {
  readonly SchemaVersion: string;
  readonly Vendor: string;
  readonly Version?: string;
  readonly ShortDescription?: string;
  readonly URL?: string;
  /** Left out of help and completion. */
  readonly Hidden?: boolean;
};

/** A plugin with what it says of itself, or why it cannot be used. */
export type Plugin = PluginFile &
  (
    | { readonly metadata: PluginMetadata; readonly problem?: undefined }
    | { readonly metadata?: undefined; readonly problem: string }
  );

function parseMetadata(output: string): PluginMetadata | string {
  let document: unknown;
  try {
    document = JSON.parse(output);
  } catch (error) {
    return `invalid metadata: ${errorMessage(error)}`;
  }
  if (typeof document !== "object" || document === null) return "invalid metadata: it is no object";
  const fields = document as Readonly<Record<string, unknown>>;
  const text = (name: string) => (typeof fields[name] === "string" ? fields[name] : undefined);
  const SchemaVersion = text("SchemaVersion") ?? "";
  if (SchemaVersion !== "0.1.0") return `plugin SchemaVersion "${SchemaVersion}" is not valid, must be 0.1.0`;
  const Vendor = text("Vendor") ?? "";
  if (Vendor === "") return "plugin metadata does not define a vendor";
  const optional = (name: "Version" | "ShortDescription" | "URL") => {
    const value = text(name);
    return value === undefined || value === "" ? {} : { [name]: value };
  };
  return {
    SchemaVersion,
    Vendor,
    ...optional("Version"),
    ...optional("ShortDescription"),
    ...optional("URL"),
    ...(fields["Hidden"] === true && { Hidden: true }),
  };
}

/** Asks a plugin what it is; the answer, or the reason why it is no plugin, in docker's words. */
export async function describePlugin(file: PluginFile): Promise<Plugin> {
  let child: ReturnType<typeof spawnMetadata>;
  try {
    child = spawnMetadata(file.path);
  } catch (error) {
    return { ...file, problem: `failed to fetch metadata: ${errorMessage(error)}` };
  }
  const [output, status] = await Promise.all([child.stdout.text(), child.exited]);
  if (status !== 0) return { ...file, problem: `failed to fetch metadata: exit status ${status}` };
  const metadata = parseMetadata(output);
  return typeof metadata === "string" ? { ...file, problem: metadata } : { ...file, metadata };
}

function spawnMetadata(path: string) {
  return Bun.spawn([path, metadataCommand], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
    timeout: METADATA_MS,
    killSignal: "SIGKILL",
  });
}

/** A plugin as `info --format json` has it (docker/cli: cli-plugins/manager, plugin.go). */
export function pluginDocument({ name, path, shadowed, metadata, problem }: Plugin): Readonly<Record<string, unknown>> {
  return {
    ...metadata,
    Name: name,
    Path: path,
    ...(problem !== undefined && { Err: problem }),
    ...(shadowed.length > 0 && { ShadowedPaths: shadowed }),
  };
}
