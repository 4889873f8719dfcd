import { readFileSync } from "node:fs";
import { cliErrors } from "../errors.ts";
import { currentEndpoint } from "./default-context.ts";
import { type ContextEndpoint, endpointOf, getContext, readTls, type TlsContent, type TlsFile } from "./store.ts";

/** An endpoint as it is to be stored. */
export type NewEndpoint = { readonly endpoint: ContextEndpoint; readonly tls: TlsContent };

/** What `--docker` may say, for help. */
export const endpointHelp = `
Docker endpoint config:

NAME                DESCRIPTION
from                Copy named context's Docker endpoint configuration
host                Docker endpoint on which to connect
ca                  Trust certs signed only by this CA
cert                Path to TLS certificate file
key                 Path to TLS key file
skip-tls-verify     Skip TLS certificate validation`;

const keys = new Set(["host", "from", "ca", "cert", "key", "skip-tls-verify"]);

/** Reads `--docker key=value,…`, which may be given more than once. */
export function parseEndpointSettings(texts: readonly string[]): Map<string, string> {
  const settings = new Map<string, string>();
  for (const field of texts.flatMap((text) => text.split(","))) {
    const equals = field.indexOf("=");
    if (equals < 0) {
      throw cliErrors["bad-flag"](
        `invalid argument "${texts.join(",")}" for "--docker" flag: ${field} must be formatted as key=value`,
      );
    }
    settings.set(field.slice(0, equals), field.slice(equals + 1));
  }
  return settings;
}

function refuse(reason: string) {
  return cliErrors["bad-option"](`unable to create docker endpoint config: ${reason}`);
}

function readMaterial(path: string, file: TlsFile): Uint8Array {
  let content: Uint8Array;
  try {
    content = readFileSync(path);
  } catch (error) {
    const { code } = error as { code?: string };
    throw refuse(`open ${path}: ${code === "ENOENT" ? "no such file or directory" : (code ?? "unreadable")}`);
  }
  const text = new TextDecoder().decode(content);
  const isWhatItSays = file === "key.pem" ? /-----BEGIN [A-Z ]*PRIVATE KEY-----/ : /-----BEGIN CERTIFICATE-----/;
  if (!isWhatItSays.test(text)) {
    throw refuse(`invalid docker endpoint options: failed to retrieve context tls info: ${file} seems invalid`);
  }
  return content;
}

function parseSwitch(text: string): boolean {
  if (/^(?:1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(?:0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw refuse(`skip-tls-verify: parsing "${text}": invalid syntax`);
}

/** The endpoint that `--docker` describes, its certificates read. Throws docker's sentences for what is wrong in it. */
export function readEndpointSettings(settings: ReadonlyMap<string, string>): NewEndpoint {
  for (const key of settings.keys()) if (!keys.has(key)) throw refuse(`unrecognized config key: ${key}`);
  const from = settings.get("from");
  if (from !== undefined) {
    if (from === "default") return { endpoint: currentEndpoint(), tls: {} };
    const endpoint = endpointOf(getContext(from));
    if (endpoint === undefined) throw refuse(`unable to get endpoint from context "${from}"`);
    return { endpoint, tls: readTls(from) };
  }
  const host = settings.get("host") ?? "";
  const skip = settings.get("skip-tls-verify") ?? "";
  const tls: Partial<Record<TlsFile, Uint8Array>> = {};
  for (const [key, file] of [
    ["ca", "ca.pem"],
    ["cert", "cert.pem"],
    ["key", "key.pem"],
  ] as const) {
    const path = settings.get(key) ?? "";
    if (path !== "") tls[file] = readMaterial(path, file);
  }
  if ((tls["cert.pem"] === undefined) !== (tls["key.pem"] === undefined)) {
    throw refuse("invalid docker endpoint options: a certificate and its key go together");
  }
  return {
    endpoint: { ...(host !== "" && { Host: host }), SkipTLSVerify: skip !== "" && parseSwitch(skip) },
    tls,
  };
}
