import { randomBytes } from "node:crypto";
import { lstatSync, readFileSync, realpathSync, statSync } from "node:fs";
import { isAbsolute, join, relative, resolve } from "node:path";
import { compileIgnoreRules, type IgnoreRules, noIgnoreRules, parseIgnoreFile } from "#formats";
import { packText, packTree } from "../archive/pack.ts";
import { cliErrors } from "../errors.ts";
import { readStandardInput } from "../streams/standard-input.ts";

export type BuildContext = {
  /** The context as a tar stream. */
  readonly tar: AsyncIterable<Uint8Array>;
  /** The Dockerfile's name inside it. */
  readonly dockerfile: string;
};

function readOptional(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return undefined;
    throw cliErrors["file-unreadable"](path, (error as { code?: string }).code ?? "unreadable");
  }
}

/** What stays behind: a file of the Dockerfile's own name wins over the context's; "" has none. */
function ignoreRules(directory: string, dockerfile: string): IgnoreRules {
  const shared = join(directory, ".dockerignore");
  for (const path of dockerfile === "" ? [shared] : [`${dockerfile}.dockerignore`, shared]) {
    const text = readOptional(path);
    if (text !== undefined) return compileIgnoreRules(parseIgnoreFile(text), path);
  }
  return noIgnoreRules;
}

async function readAll(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Packs a directory, leaving out what its `.dockerignore` names; the Dockerfile goes with it in any case. */
function fromDirectory(directory: string, file: string, content: Uint8Array | undefined): BuildContext {
  const root = realpathSync(directory);
  let dockerfile: string;
  let outside: Uint8Array | undefined = content;
  let ownPath = "";
  if (content !== undefined) dockerfile = `.dockerfile.${randomBytes(10).toString("hex")}`;
  else {
    const path = file === "" ? join(root, "Dockerfile") : resolve(file);
    try {
      lstatSync(path);
      ownPath = realpathSync(path);
    } catch {
      throw cliErrors["bad-option"](
        `unable to prepare context: unable to evaluate symlinks in Dockerfile path: lstat ${path}: no such file or directory`,
      );
    }
    const inside = relative(root, ownPath);
    if (inside.startsWith("../") || isAbsolute(inside) || inside === "..") {
      dockerfile = `.dockerfile.${randomBytes(10).toString("hex")}`;
      outside = readFileSync(ownPath);
    } else dockerfile = inside;
  }
  const rules = ignoreRules(root, ownPath);
  const always = new Set([".dockerignore", dockerfile]);
  const parents = dockerfile.split("/").slice(0, -1);
  const tar = packTree(
    root,
    "",
    {
      ignores: (path) => !always.has(path) && rules.ignores(path),
      mayKeepBelow: (path) => rules.mayKeepBelow(path) || path === parents.slice(0, path.split("/").length).join("/"),
      asRoot: true,
    },
    outside === undefined ? [] : packText(dockerfile, outside),
  );
  return { tar, dockerfile };
}

const archiveMagics = [
  Buffer.from([0x1f, 0x8b]),
  Buffer.from("BZh"),
  Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a]),
  Buffer.from([0x28, 0xb5, 0x2f, 0xfd]),
];

function isArchive(start: Buffer): boolean {
  return (
    archiveMagics.some((magic) => start.subarray(0, magic.length).equals(magic)) ||
    start.toString("latin1", 257, 262) === "ustar"
  );
}

/** Standard input: an archive is the context itself, anything else is a Dockerfile without a context. */
async function fromStandardInput(file: string): Promise<BuildContext> {
  const input = readStandardInput();
  let start = Buffer.alloc(0);
  while (start.length < 512) {
    const next = await input.next();
    if (next.done === true) break;
    start = Buffer.concat([start, next.value]);
  }
  if (isArchive(start)) {
    return {
      tar: (async function* () {
        yield start;
        yield* input;
      })(),
      dockerfile: file === "" ? "Dockerfile" : file,
    };
  }
  if (file !== "")
    throw cliErrors["bad-option"]("ambiguous Dockerfile source: both stdin and flag correspond to Dockerfiles");
  const rest = await readAll(input);
  return { tar: packTree("", "", {}, packText("Dockerfile", Buffer.concat([start, rest]))), dockerfile: "Dockerfile" };
}

/** Finds and packs what `build PATH|-` and `--file` mean. */
export async function prepareContext(specifier: string, file: string): Promise<BuildContext> {
  if (specifier === "-") {
    if (file === "-")
      throw cliErrors["bad-option"]("invalid argument: can't use stdin for both build context and dockerfile");
    return fromStandardInput(file);
  }
  if (/^(?:https?|git|ssh):\/\/|^git@|^github\.com\//.test(specifier))
    throw cliErrors["context-unsupported"](specifier);
  if (statSync(specifier, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw cliErrors["bad-option"](`unable to prepare context: path "${specifier}" not found`);
  }
  const content = file === "-" ? await readAll(readStandardInput()) : undefined;
  return fromDirectory(specifier, file, content);
}
