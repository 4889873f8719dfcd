import { isIP } from "node:net";
import { isInSubnet, isSubnet } from "./settings.ts";

type Environment = Readonly<Record<string, string | undefined>>;

function variable(environment: Environment, name: string): string {
  return environment[name.toUpperCase()] ?? environment[name.toLowerCase()] ?? "";
}

/** True when `no_proxy` exempts the host, as Go reads it (golang.org/x/net/http/httpproxy). */
function isExempt(host: string, port: string, list: string): boolean {
  const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
  if (bare === "localhost" || isInSubnet(bare, "127.0.0.0/8") || bare === "::1") return true;
  for (const raw of list.split(",")) {
    const entry = raw.trim().toLowerCase();
    if (entry === "") continue;
    if (entry === "*") return true;
    if (isSubnet(entry)) {
      if (isInSubnet(bare, entry)) return true;
      continue;
    }
    const match = /^(\[[^\]]+\]|[^:]*)(?::(\d+))?$/.exec(entry);
    const name = (isIP(entry) === 6 ? entry : (match?.[1] ?? entry)).replace(/^\[|\]$/g, "").replace(/^\*\./, ".");
    const wantedPort = isIP(entry) === 6 ? undefined : match?.[2];
    if (wantedPort !== undefined && wantedPort !== port) continue;
    if (name.startsWith(".") ? bare.endsWith(name) : bare === name || bare.endsWith(`.${name}`)) return true;
  }
  return false;
}

/**
 * The proxy for a URL by `http_proxy`, `https_proxy` and `no_proxy`, in capitals or not; undefined = go straight there.
 * This machine is never reached by a proxy.
 */
export function proxyFor(url: URL, environment: Environment): URL | undefined {
  const text = variable(environment, url.protocol === "https:" ? "https_proxy" : "http_proxy");
  if (text === "") return undefined;
  const port = url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port;
  if (isExempt(url.hostname, port, variable(environment, "no_proxy"))) return undefined;
  try {
    return new URL(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`);
  } catch {
    return undefined;
  }
}
