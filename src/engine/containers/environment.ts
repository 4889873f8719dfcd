import type { ContainerConfig } from "#formats";

/** What Docker gives a process that says nothing about PATH (moby `system.DefaultPathEnv`). */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** Where the host's CA bundle is shown in containers: on the tmpfs of /dev, so that it never lands in a layer. */
export const caBundleInContainer = "/dev/berth/ca-certificates.crt";
/** apt reads its CA file from its configuration only. */
export const aptConfigInContainer = "/dev/berth/apt-ca.conf";

/** How the usual programs are told about a CA bundle. */
const caVariables = [
  "SSL_CERT_FILE",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "NODE_EXTRA_CA_CERTS",
  "GIT_SSL_CAINFO",
  "CARGO_HTTP_CAINFO",
  "AWS_CA_BUNDLE",
];

/** Variables that make programs trust the bundle at `caBundleInContainer`. */
export function caEnvironment(): readonly string[] {
  return [...caVariables.map((name) => `${name}=${caBundleInContainer}`), `APT_CONFIG=${aptConfigInContainer}`];
}

const key = (entry: string) => entry.split("=", 1)[0] ?? "";

/** `base` with `over` on top; an entry of `over` without "=" removes the variable (Docker's `-e NAME` semantics). */
export function mergeEnvironment(base: readonly string[], over: readonly string[]): string[] {
  const merged = new Map(base.map((entry) => [key(entry), entry]));
  for (const entry of over) {
    if (entry.includes("=")) merged.set(key(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

/** The environment of a container's process: what is injected at run time, then the container's own. */
export function containerEnvironment(
  config: ContainerConfig,
  trustsHostCa: boolean,
  /** Of linked containers. */
  linked: readonly string[] = [],
): string[] {
  const injected = [`PATH=${defaultPath}`];
  if ((config.Hostname ?? "") !== "") injected.push(`HOSTNAME=${config.Hostname}`);
  if (config.Tty === true) injected.push("TERM=xterm");
  if (trustsHostCa) injected.push(...caEnvironment());
  injected.push(...linked);
  return mergeEnvironment(injected, config.Env ?? []);
}
