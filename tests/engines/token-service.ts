import { createPrivateKey, createSign, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { bareCertificate, type Certificates } from "./certificates.ts";

/** A service that gives tokens for a registry, as Docker Hub's does (distribution: docs/spec/auth/token.md). */
export type TokenService = {
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  /** The scopes that were asked for, with the user. */
  readonly asked: readonly string[];
  close(): void;
};

function encoded(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Everybody may pull from `public/…`; the user ada (password "secret") may do everything. */
export async function startTokenService(certificates: Certificates): Promise<TokenService> {
  const key = createPrivateKey(readFileSync(certificates.key));
  const asked: string[] = [];
  const service = "test-registry";
  const issuer = "test-issuer";
  const tokenFor = (user: string, scopes: readonly string[]) => {
    const now = Math.floor(Date.now() / 1000);
    const access = scopes.flatMap((scope) => {
      const [type = "", name = "", actions = ""] = scope.split(":");
      const allowed = actions
        .split(",")
        .filter((action) => user === "ada" || (action === "pull" && name.startsWith("public/")));
      return allowed.length === 0 ? [] : [{ type, name, actions: allowed }];
    });
    const head = encoded({ typ: "JWT", alg: "ES256", x5c: [bareCertificate(certificates.certificate)] });
    const body = encoded({
      iss: issuer,
      sub: user,
      aud: service,
      exp: now + 300,
      nbf: now - 10,
      iat: now,
      jti: randomUUID(),
      access,
    });
    const signature = createSign("SHA256").update(`${head}.${body}`).sign({ key, dsaEncoding: "ieee-p1363" });
    return `${head}.${body}.${signature.toString("base64url")}`;
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://localhost");
    const [scheme, pair = ""] = (request.headers.authorization ?? "").split(" ");
    const [user = "", password = ""] = scheme === "Basic" ? Buffer.from(pair, "base64").toString().split(":") : [];
    if (user !== "" && (user !== "ada" || password !== "secret")) {
      response.writeHead(401, { "Content-Type": "application/json" });
      response.end(JSON.stringify({ errors: [{ code: "UNAUTHORIZED", message: "incorrect username or password" }] }));
      return;
    }
    const scopes = url.searchParams.getAll("scope").flatMap((scope) => scope.split(" "));
    asked.push(`${user}|${scopes.join(" ")}`);
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ token: tokenFor(user, scopes), expires_in: 300 }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    realm: `http://127.0.0.1:${address.port}/token`,
    service,
    issuer,
    asked,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
