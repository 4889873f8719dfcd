import { readdirSync, readFileSync } from "node:fs";
import { extname, join } from "node:path";
import * as v from "valibot";
import { errorMessage } from "#base";
import { errors } from "../errors.ts";

const integer = v.pipe(v.number(), v.integer());
const strings = v.optional(v.array(v.string()));

const editsSchema = v.object({
  env: strings,
  deviceNodes: v.optional(
    v.array(
      v.object({
        path: v.string(),
        hostPath: v.optional(v.string()),
        type: v.optional(v.picklist(["b", "c", "u", "p"])),
        major: v.optional(integer),
        minor: v.optional(integer),
        fileMode: v.optional(integer),
        permissions: v.optional(v.string()),
        uid: v.optional(integer),
        gid: v.optional(integer),
      }),
    ),
  ),
  mounts: v.optional(
    v.array(
      v.object({
        hostPath: v.string(),
        containerPath: v.string(),
        options: strings,
        type: v.optional(v.string()),
      }),
    ),
  ),
  hooks: v.optional(
    v.array(
      v.object({
        hookName: v.picklist([
          "prestart",
          "createRuntime",
          "createContainer",
          "startContainer",
          "poststart",
          "poststop",
        ]),
        path: v.string(),
        args: strings,
        env: strings,
        timeout: v.optional(integer),
      }),
    ),
  ),
  additionalGids: v.optional(v.array(integer)),
});

/** What a device changes about a container (CDI specification, "containerEdits"). */
export type CdiEdits = v.InferOutput<typeof editsSchema>;

const specificationSchema = v.object({
  cdiVersion: v.string(),
  kind: v.pipe(v.string(), v.regex(/^[A-Za-z][\w.-]*\/[A-Za-z][\w-]*$/)),
  devices: v.array(v.object({ name: v.string(), containerEdits: editsSchema })),
  containerEdits: v.optional(editsSchema),
});

/** A device of a CDI specification: its own edits, and those every device of its file brings. */
export type CdiDevice = { readonly edits: CdiEdits; readonly shared: CdiEdits | undefined; readonly file: string };

/** Where specifications are looked for unless the daemon is told otherwise; later ones win. */
export const defaultCdiDirectories: readonly string[] = ["/etc/cdi", "/var/run/cdi"];

function specificationsIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => [".json", ".yaml", ".yml"].includes(extname(name)))
      .map((name) => join(directory, name))
      .toSorted();
  } catch {
    // No such directory: no devices.
    return [];
  }
}

function parse(file: string): v.InferOutput<typeof specificationSchema> {
  try {
    const text = readFileSync(file, "utf8");
    const value: unknown = extname(file) === ".json" ? JSON.parse(text) : Bun.YAML.parse(text);
    return v.parse(specificationSchema, value);
  } catch (error) {
    throw errors.cdiSpecificationInvalid(file, errorMessage(error));
  }
}

/**
 * Reads every CDI specification of the host (github.com/cncf-tags/container-device-interface, SPEC.md): devices by their
 * full names, `vendor.com/class=name`. Of two in different directories the later wins; two in one directory are a
 * conflict, and neither can be had. A file that cannot be read is in `problems`.
 */
export function readCdiDevices(directories: readonly string[]): {
  readonly devices: ReadonlyMap<string, CdiDevice>;
  readonly problems: readonly string[];
} {
  const devices = new Map<string, CdiDevice>();
  const problems: string[] = [];
  for (const directory of directories) {
    const here = new Map<string, CdiDevice>();
    const conflicts = new Set<string>();
    for (const file of specificationsIn(directory)) {
      try {
        const { kind, devices: listed, containerEdits } = parse(file);
        for (const { name, containerEdits: edits } of listed) {
          const qualified = `${kind}=${name}`;
          const other = here.get(qualified);
          if (other !== undefined) {
            conflicts.add(qualified);
            problems.push(`conflicting device "${qualified}" (specs "${other.file}", "${file}")`);
          }
          here.set(qualified, { edits, shared: containerEdits, file });
        }
      } catch (error) {
        problems.push(errorMessage(error));
      }
    }
    for (const [name, device] of here) {
      if (conflicts.has(name)) devices.delete(name);
      else devices.set(name, device);
    }
  }
  return { devices, problems };
}
