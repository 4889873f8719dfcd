import type { Client } from "#client";
import { readConfig } from "./config-file.ts";

const variables = {
  httpProxy: "HTTP_PROXY",
  httpsProxy: "HTTPS_PROXY",
  ftpProxy: "FTP_PROXY",
  noProxy: "NO_PROXY",
  allProxy: "ALL_PROXY",
} as const;

/** The proxies `config.json` has for this daemon (or for all), as the variables programs look for, in both cases. */
export function proxyVariables(client: Client): Record<string, string> {
  const { proxies } = readConfig();
  if (proxies === undefined) return {};
  const settings = proxies[client.transport.endpoint.address] ?? proxies["default"] ?? {};
  const found: Record<string, string> = {};
  for (const [key, name] of Object.entries(variables)) {
    const value = settings[key as keyof typeof variables];
    if (value === undefined || value === "") continue;
    found[name] = value;
    found[name.toLowerCase()] = value;
  }
  return found;
}

/** Adds to a list of `NAME=value` the proxies it says nothing about. */
export function withProxies(client: Client, environment: readonly string[]): string[] {
  const named = new Set(environment.map((variable) => variable.split("=")[0]));
  const more = Object.entries(proxyVariables(client)).filter(([name]) => !named.has(name));
  return [...environment, ...more.map(([name, value]) => `${name}=${value}`)];
}
