import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { rootCertificates } from "node:tls";
import { errorMessage } from "#base";
import { errors } from "../errors.ts";

/** What TLS with one host needs. */
export type Certificates = {
  readonly ca: readonly string[];
  /** Client certificates with their keys, PEM. */
  readonly cert: readonly string[];
  readonly key: readonly string[];
};

const hostBundles = [
  process.env["SSL_CERT_FILE"] ?? "",
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
];

let hostAuthorities: readonly string[] | undefined;

/** What this host trusts; the runtime's own list where the host has none. */
function trustedAuthorities(): readonly string[] {
  if (hostAuthorities !== undefined) return hostAuthorities;
  const path = hostBundles.find((bundle) => bundle !== "" && existsSync(bundle));
  hostAuthorities = path === undefined ? rootCertificates : [readFileSync(path, "utf8")];
  return hostAuthorities;
}

/**
 * The certificates for a host: `*.crt` are authorities besides the host's own, `NAME.cert` with `NAME.key` is a client
 * certificate (docs.docker.com/engine/security/certificates). Read anew each time, so that a change needs no restart.
 */
export function certificatesFor(host: string, directories: readonly string[]): Certificates {
  const ca: string[] = [...trustedAuthorities()];
  const cert: string[] = [];
  const key: string[] = [];
  // A host name is from outside: nothing that walks to another directory.
  const isName = /^[\w.:[\]-]+$/.test(host) && !host.startsWith(".");
  const directory = isName
    ? directories.map((parent) => join(parent, host)).find((path) => existsSync(path))
    : undefined;
  if (directory === undefined) return { ca, cert, key };
  try {
    const names = readdirSync(directory).sort();
    for (const name of names) {
      const path = join(directory, name);
      if (name.endsWith(".crt")) ca.push(readFileSync(path, "utf8"));
      if (name.endsWith(".cert")) {
        const keyName = `${name.slice(0, -".cert".length)}.key`;
        if (!names.includes(keyName)) {
          throw errors.registryCertificateFiles(
            `missing key ${keyName} for client certificate ${name}. CA certificates must use the extension .crt`,
          );
        }
        cert.push(readFileSync(path, "utf8"));
        key.push(readFileSync(join(directory, keyName), "utf8"));
      }
      if (name.endsWith(".key") && !names.includes(`${name.slice(0, -".key".length)}.cert`)) {
        throw errors.registryCertificateFiles(
          `missing client certificate ${name.slice(0, -".key".length)}.cert for key ${name}`,
        );
      }
    }
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { ca, cert, key };
    if (error instanceof Error && "kind" in error) throw error;
    throw errors.registryCertificateFiles(`cannot read the certificates in ${directory}: ${errorMessage(error)}`);
  }
  return { ca, cert, key };
}
