import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TlsMaterial } from "#client";
import { configDirectory } from "../configuration/config-file.ts";
import { cliErrors } from "../errors.ts";

/*
 * Docker's context store (docker/cli, cli/context/store): below the configuration directory
 * `contexts/meta/<sha256 of the name>/meta.json` and `contexts/tls/<the same>/docker/{ca,cert,key}.pem`.
 */

/** How one context reaches its daemon. */
export type ContextEndpoint = { readonly Host?: string; readonly SkipTLSVerify: boolean };

/** `meta.json`; what other tools put into `Metadata` and `Endpoints` is kept. */
export type ContextDocument = {
  readonly Name: string;
  readonly Metadata: { readonly Description?: string } & Readonly<Record<string, unknown>>;
  readonly Endpoints: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
};

/** The files of TLS a context keeps for its daemon. */
export const tlsFiles = ["ca.pem", "cert.pem", "key.pem"] as const;
export type TlsFile = (typeof tlsFiles)[number];
export type TlsContent = { readonly [Name in TlsFile]?: Uint8Array };

/** The context that is always there: the environment's daemon, or Berth's own. */
export const defaultContext = "default";

const root = () => join(configDirectory(), "contexts");
const idOf = (name: string) => new Bun.CryptoHasher("sha256").update(name).digest("hex");

export function metadataPath(name: string): string {
  return join(root(), "meta", idOf(name));
}

export function tlsPath(name: string): string {
  return join(root(), "tls", idOf(name));
}

const namePattern = /^[a-zA-Z0-9][a-zA-Z0-9_.+-]+$/;

/** Throws docker's sentence for a name no context may have. */
export function checkContextName(name: string): void {
  if (name === "") throw cliErrors["bad-option"]("context name cannot be empty");
  if (name === defaultContext) throw cliErrors["bad-option"](`"default" is a reserved context name`);
  if (!namePattern.test(name)) {
    throw cliErrors["bad-option"](
      `context name "${name}" is invalid, names are validated against regexp "${namePattern.source}"`,
    );
  }
}

function parseDocument(text: string, path: string): ContextDocument {
  let document: Partial<ContextDocument> | null;
  try {
    document = JSON.parse(text) as Partial<ContextDocument> | null;
  } catch (error) {
    throw cliErrors["bad-option"](`parsing ${path}: ${(error as Error).message}`);
  }
  if (typeof document?.Name !== "string") throw cliErrors["bad-option"](`parsing ${path}: it names no context`);
  return { ...document, Name: document.Name, Metadata: document.Metadata ?? {}, Endpoints: document.Endpoints ?? {} };
}

/** Reads the metadata of an exported context. */
export const parseContextDocument = parseDocument;

export function findContext(name: string): ContextDocument | undefined {
  const path = join(metadataPath(name), "meta.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
  return parseDocument(text, path);
}

/** The sentence about a context that is not there, with the place where it would be. */
export function contextNotFound(name: string): string {
  return `context "${name}": context not found: open ${join(metadataPath(name), "meta.json")}: no such file or directory`;
}

export function getContext(name: string): ContextDocument {
  const document = findContext(name);
  if (document === undefined) throw cliErrors["context-not-found"](contextNotFound(name));
  return document;
}

/** Every stored context by name, the default one not among them. */
export function listContexts(): ContextDocument[] {
  let ids: string[];
  try {
    ids = readdirSync(join(root(), "meta"));
  } catch (error) {
    if ((error as { code?: string }).code === "ENOENT") return [];
    throw error;
  }
  const documents: ContextDocument[] = [];
  for (const id of ids) {
    const path = join(root(), "meta", id, "meta.json");
    let text: string;
    try {
      text = readFileSync(path, "utf8");
    } catch {
      // Not a context of ours, or one that is being removed.
      continue;
    }
    documents.push(parseDocument(text, path));
  }
  return documents;
}

/** Writes a context whole: whoever reads it sees the old one or the new one. */
export function saveContext(document: ContextDocument): void {
  const directory = metadataPath(document.Name);
  mkdirSync(directory, { recursive: true, mode: 0o755 });
  const temporary = join(directory, `.meta.json.${process.pid}`);
  writeFileSync(temporary, JSON.stringify(document), { mode: 0o644 });
  renameSync(temporary, join(directory, "meta.json"));
}

/** Replaces the TLS files of a context's docker endpoint; none removes them. */
export function saveTls(name: string, content: TlsContent): void {
  rmSync(tlsPath(name), { recursive: true, force: true });
  const entries = tlsFiles.filter((file) => content[file] !== undefined);
  if (entries.length === 0) return;
  const directory = join(tlsPath(name), "docker");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  for (const file of entries) writeFileSync(join(directory, file), content[file] ?? "", { mode: 0o600 });
}

export function readTls(name: string): TlsContent {
  const content: Partial<Record<TlsFile, Uint8Array>> = {};
  for (const file of tlsFiles) {
    try {
      content[file] = readFileSync(join(tlsPath(name), "docker", file));
    } catch (error) {
      if ((error as { code?: string }).code !== "ENOENT") throw error;
    }
  }
  return content;
}

export function removeContext(name: string): void {
  rmSync(metadataPath(name), { recursive: true, force: true });
  rmSync(tlsPath(name), { recursive: true, force: true });
}

/** What a context says about its daemon's certificate; undefined when it says nothing of TLS. */
export function tlsOf(name: string, endpoint: ContextEndpoint): TlsMaterial | undefined {
  const content = readTls(name);
  if (Object.keys(content).length === 0 && !endpoint.SkipTLSVerify) return undefined;
  const text = (file: TlsFile) => (content[file] === undefined ? undefined : new TextDecoder().decode(content[file]));
  return {
    ca: text("ca.pem"),
    cert: text("cert.pem"),
    key: text("key.pem"),
    verifyServer: !endpoint.SkipTLSVerify,
  };
}

/** The docker endpoint of a context's document. */
export function endpointOf(document: ContextDocument): ContextEndpoint | undefined {
  const endpoint = document.Endpoints["docker"];
  if (endpoint === undefined) return undefined;
  const { Host, SkipTLSVerify } = endpoint;
  return { ...(typeof Host === "string" && { Host }), SkipTLSVerify: SkipTLSVerify === true };
}
