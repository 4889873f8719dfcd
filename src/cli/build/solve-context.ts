import { lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { basename, isAbsolute, join, relative, resolve } from "node:path";
import { type BuildFilesBody, compileIgnoreRules, parseIgnoreFile, type SolveBuildBody } from "#formats";
import { packTree } from "../archive/pack.ts";
import { cliErrors } from "../errors.ts";
import { readStandardInput } from "../streams/standard-input.ts";
import { prepareContext } from "./context.ts";

/** What `build PATH|URL|-`, `--file` and `--build-context` come to. */
export type SolveContext = {
  readonly body: Pick<SolveBuildBody, "context" | "dockerfile" | "dockerfileIgnore" | "locals">;
  readonly attributes: Readonly<Record<string, string>>;
  /** Archives that the daemon will ask for, by name. Each is packed when it is sent. */
  readonly uploads: ReadonlyMap<string, () => AsyncIterable<Uint8Array>>;
};

/** True for a context that is fetched by the daemon: a git repository, or an address of an archive or Dockerfile. */
export function isRemote(specifier: string): boolean {
  return /^(?:https?|git|ssh|git\+ssh):\/\/|^github\.com\/|^[\w.-]+@[\w.-]+:(?!\/\/)/.test(specifier);
}

/**
 * Finds what the words mean.
 * @param options.inPlace directories are named to the daemon instead of being sent
 */
export async function prepareSolveContext(
  specifier: string,
  file: string,
  named: readonly string[],
  options: { readonly inPlace: boolean },
): Promise<SolveContext> {
  const uploads = new Map<string, () => AsyncIterable<Uint8Array>>();
  const locals: Record<string, BuildFilesBody> = {};
  const attributes: Record<string, string> = {};
  const directory = (
    name: string,
    path: string,
    pack: (root: string) => AsyncIterable<Uint8Array> = (root) => packDirectory(root, undefined),
  ): BuildFilesBody => {
    const root = realpathSync(path);
    if (options.inPlace) {
      const status = statSync(root, { bigint: true });
      return { directory: { path: root, device: String(status.dev), inode: String(status.ino) } };
    }
    uploads.set(name, () => pack(root));
    return { upload: name };
  };

  for (const spec of named) {
    const equals = spec.indexOf("=");
    if (equals < 1) throw cliErrors["bad-option"](`invalid context value: ${spec}, expected key=value`);
    const [name, value] = [spec.slice(0, equals), spec.slice(equals + 1)];
    if (value.startsWith("oci-layout://")) {
      const { path, reference } = readLayout(value);
      requireDirectory(path, `the build context ${name}`);
      // An ignore file says nothing about a layout.
      locals[`layout-${name}`] = directory(`layout-${name}`, path, (root) => packTree(root, "", { asRoot: true }));
      attributes[`context:${name}`] = `oci-layout://layout-${name}${reference}`;
    } else if (value.startsWith("docker-image://") || value.startsWith("target:") || isRemote(value)) {
      attributes[`context:${name}`] = value;
    } else {
      requireDirectory(value, `the build context ${name}`);
      locals[`named-${name}`] = directory(`named-${name}`, value);
      attributes[`context:${name}`] = `local:named-${name}`;
    }
  }
  const more = Object.keys(locals).length === 0 ? {} : { locals };

  if (specifier === "-") {
    // An archive, or a Dockerfile on its own: both become an archive.
    const { tar, dockerfile } = await prepareContext("-", file);
    uploads.set("context", () => tar);
    return {
      body: more,
      attributes: { ...attributes, context: "http://buildkit-session/context", filename: dockerfile },
      uploads,
    };
  }
  if (isRemote(specifier)) {
    const fromInput = file === "-" ? { dockerfile: { name: "Dockerfile", text: await readInput() } } : {};
    return {
      body: { ...more, ...fromInput },
      attributes: {
        ...attributes,
        context: specifier,
        ...(file === "-" ? { dockerfilekey: "dockerfile" } : file === "" ? {} : { filename: file }),
      },
      uploads,
    };
  }
  requireDirectory(specifier, "");
  const root = realpathSync(specifier);
  const { dockerfile, ignore } = await readDockerfile(root, file);
  let context: BuildFilesBody;
  if (options.inPlace) context = directory("context", root);
  else {
    uploads.set("context", () => packDirectory(root, ignore));
    context = { upload: "context" };
  }
  return {
    body: { ...more, context, dockerfile, ...(ignore === undefined ? {} : { dockerfileIgnore: ignore }) },
    attributes: { ...attributes, filename: dockerfile.name, "vcs:localdir:context": root },
    uploads,
  };
}

function requireDirectory(path: string, what: string): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  throw cliErrors["bad-option"](
    what === ""
      ? `unable to prepare context: path ${JSON.stringify(path)} not found`
      : `${what} is no directory: ${JSON.stringify(path)}`,
  );
}

/** "oci-layout://PATH[:TAG][@DIGEST]" */
function readLayout(value: string): { readonly path: string; readonly reference: string } {
  const match = /^oci-layout:\/\/(.+?)((?::[\w][\w.-]*)?(?:@sha256:[0-9a-f]{64})?)$/.exec(value);
  return { path: match?.[1] ?? "", reference: match?.[2] ?? "" };
}

async function readInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readStandardInput()) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

type TextFile = { readonly name: string; readonly text: string };

/** The Dockerfile of a local context, wherever it lies, and the ignore file that holds. */
async function readDockerfile(
  root: string,
  file: string,
): Promise<{ readonly dockerfile: TextFile; readonly ignore: TextFile | undefined }> {
  const shared = () => readOptional(join(root, ".dockerignore"), ".dockerignore");
  if (file === "-") {
    return { dockerfile: { name: "Dockerfile", text: await readInput() }, ignore: shared() };
  }
  const path = file === "" ? defaultDockerfile(root) : resolve(file);
  let real: string;
  try {
    lstatSync(path);
    real = realpathSync(path);
  } catch {
    throw cliErrors["bad-option"](
      `failed to read dockerfile: open ${file === "" ? "Dockerfile" : file}: no such file or directory`,
    );
  }
  const inside = relative(root, real);
  const isOutside = inside.startsWith("../") || inside === ".." || isAbsolute(inside);
  const name = isOutside ? basename(path) : inside;
  return {
    dockerfile: { name, text: readFileSync(real, "utf8") },
    ignore: readOptional(`${path}.dockerignore`, `${name}.dockerignore`) ?? shared(),
  };
}

function defaultDockerfile(root: string): string {
  const path = join(root, "Dockerfile");
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return path;
  const lower = join(root, "dockerfile");
  return statSync(lower, { throwIfNoEntry: false }) === undefined ? path : lower;
}

function readOptional(path: string, name: string): TextFile | undefined {
  try {
    return { name, text: readFileSync(path, "utf8") };
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw cliErrors["file-unreadable"](path, code ?? "unreadable");
  }
}

/** A directory as an archive, without what its ignore file names. */
function packDirectory(root: string, ignore: TextFile | undefined): AsyncIterable<Uint8Array> {
  const text = ignore ?? readOptional(join(root, ".dockerignore"), ".dockerignore");
  if (text === undefined) return packTree(root, "", { asRoot: true });
  const rules = compileIgnoreRules(parseIgnoreFile(text.text), text.name);
  return packTree(root, "", {
    ignores: (path) => rules.ignores(path),
    mayKeepBelow: (path) => rules.mayKeepBelow(path),
    asRoot: true,
  });
}
