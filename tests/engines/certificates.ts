import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { mustRun } from "./command.ts";

/** Files of a certificate authority and of what it signed. */
export type Certificates = {
  readonly authority: string;
  readonly certificate: string;
  readonly key: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
};

/** Makes an authority, a certificate for 127.0.0.1 and localhost, and one for a client, with openssl. */
export async function makeCertificates(directory: string): Promise<Certificates> {
  const at = (name: string) => join(directory, name);
  const openssl = (...words: string[]) => mustRun(["openssl", ...words], { directory });
  await openssl(
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=test authority",
    "-keyout", "ca.key", "-out", "ca.crt",
  ); // prettier-ignore
  const sign = async (name: string, extensions: string) => {
    writeFileSync(at(`${name}.ext`), extensions);
    await openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", `/CN=${name}`, "-keyout", `${name}.key`, "-out", `${name}.csr`); // prettier-ignore
    await openssl("x509", "-req", "-in", `${name}.csr`, "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", `${name}.ext`, "-out", `${name}.crt`); // prettier-ignore
  };
  await sign("server", "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  await sign("client", "extendedKeyUsage=clientAuth\n");
  return {
    authority: at("ca.crt"),
    certificate: at("server.crt"),
    key: at("server.key"),
    clientCertificate: at("client.crt"),
    clientKey: at("client.key"),
  };
}

/** Text of a PEM certificate as `x5c` of a token carries it. */
export function bareCertificate(path: string): string {
  return readFileSync(path, "utf8").replaceAll(/-----[^-]+-----|\s/g, "");
}
