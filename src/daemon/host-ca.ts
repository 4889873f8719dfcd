import { existsSync } from "node:fs";

/** Where the distributions keep the CA bundle that programs of the host trust. */
const bundles = [
  process.env["SSL_CERT_FILE"] ?? "",
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
];

/** Path of the host's CA bundle; undefined when there is none. */
export function findHostCaBundle(): string | undefined {
  return bundles.find((path) => path !== "" && existsSync(path));
}
