import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { exportJWK, exportSPKI, generateKeyPair, SignJWT } from "jose";
import { errorCode, startTestRegistry, type TestRegistry } from "../testing/test-registry.ts";
import { repositoryPattern } from "./rules.ts";

const directory = mkdtempSync(join(tmpdir(), "berth-access-"));
const passwords = join(directory, "htpasswd");
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const hash = (password: string) => Bun.password.hash(password, { algorithm: "bcrypt", cost: 4 });
const basic = (user: string, password: string) => ({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

beforeAll(async () => {
  const lines = ["# users", `ann:${(await hash("secret")).replace("$2b$", "$2y$")}`, `bob:${await hash("other")}`];
  writeFileSync(passwords, `${lines.join("\n")}\n`);
});

const rules = [
  { users: ["ann"], repositories: ["team/**"], actions: ["pull", "push", "delete"] as const },
  { users: ["bob"], repositories: ["team/*"], actions: ["pull"] as const },
  { users: ["anonymous"], repositories: ["public/*"], actions: ["pull"] as const },
  { users: ["ann"], repositories: ["**"], actions: ["pull"] as const },
].map((rule) => ({ ...rule, actions: [...rule.actions] }));

test("repositoryPattern() knows levels", () => {
  expect(repositoryPattern("team/*")("team/a")).toBe(true);
  expect(repositoryPattern("team/*")("team/a/b")).toBe(false);
  expect(repositoryPattern("team/**")("team/a/b")).toBe(true);
  expect(repositoryPattern("t.am")("team")).toBe(false);
});

describe("passwords", () => {
  let registry: TestRegistry;
  beforeAll(async () => {
    registry = await startTestRegistry({ htpasswd: passwords, rules });
  });
  afterAll(() => registry.close());

  const as = (user: string, password: string, method: string, path: string) =>
    registry.send(method, path, { headers: basic(user, password) });

  test("are asked for, and checked", async () => {
    const challenge = await registry.send("GET", "/v2/");
    expect([challenge.status, challenge.headers.get("www-authenticate")]).toEqual([
      401,
      'Basic realm="Berth registry", charset="UTF-8"',
    ]);
    expect(await errorCode(challenge)).toBe("UNAUTHORIZED");
    expect((await as("ann", "secret", "GET", "/v2/")).status).toBe(200);
    for (const [user, password] of [
      ["ann", "wrong"],
      ["nobody", "secret"],
      ["anonymous", ""],
      ["ann", "secret".padEnd(80, "x")],
      ["", "secret"],
    ] as const) {
      expect((await as(user, password, "GET", "/v2/")).status).toBe(401);
    }
    for (const authorization of ["Basic !!!", "Bearer x", "Basic", `Basic ${btoa("nocolon")}`]) {
      expect((await registry.send("GET", "/v2/", { headers: { authorization } })).status).toBe(401);
    }
  });

  test("give the rights of their user and no others", async () => {
    const start = (user: string, password: string, repository: string) =>
      as(user, password, "POST", `/v2/${repository}/blobs/uploads/`);
    expect((await start("ann", "secret", "team/x/y")).status).toBe(202);
    const denied = await start("bob", "other", "team/x");
    expect([denied.status, await errorCode(denied)]).toEqual([403, "DENIED"]);
    expect((await start("ann", "secret", "private/x")).status).toBe(403);
    expect((await as("bob", "other", "DELETE", "/v2/team/x/manifests/1")).status).toBe(403);
    expect((await as("bob", "other", "GET", "/v2/team/x/tags/list")).status).toBe(404);
    expect((await registry.send("GET", "/v2/public/x/tags/list")).status).toBe(404);
    expect((await registry.send("GET", "/v2/team/x/tags/list")).status).toBe(401);
    expect((await registry.send("GET", "/metrics")).status).toBe(401);
    expect((await as("bob", "other", "GET", "/metrics")).status).toBe(403);
    expect((await as("ann", "secret", "GET", "/metrics")).status).toBe(200);
    expect((await registry.send("GET", "/healthz")).status).toBe(200);
  });

  test("let nobody mount what they may not read", async () => {
    const upload = await as("ann", "secret", "POST", "/v2/team/a/b/blobs/uploads/");
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update("x").digest("hex")}`;
    const put = await registry.send("PUT", `${upload.headers.get("location") ?? ""}?digest=${digest}`, {
      body: "x",
      headers: basic("ann", "secret"),
    });
    expect(put.status).toBe(201);
    const own = await startTestRegistry({
      htpasswd: passwords,
      rules: [
        { users: ["ann"], repositories: ["**"], actions: ["pull", "push"] },
        { users: ["bob"], repositories: ["bob/*"], actions: ["pull", "push"] },
      ],
    });
    const location = (await own.send("POST", "/v2/secret/blobs/uploads/", { headers: basic("ann", "secret") })).headers;
    await own.send("PUT", `${location.get("location") ?? ""}?digest=${digest}`, {
      body: "x",
      headers: basic("ann", "secret"),
    });
    const mount = (user: string, password: string, query: string) =>
      own.send("POST", `/v2/bob/x/blobs/uploads/?mount=${digest}${query}`, { headers: basic(user, password) });
    expect((await mount("bob", "other", "&from=secret")).status).toBe(202);
    expect((await mount("bob", "other", "")).status).toBe(202);
    expect((await mount("ann", "secret", "&from=secret")).status).toBe(201);
    await own.close();
  });

  test("are read again when their file changes", async () => {
    const file = join(directory, "changing");
    writeFileSync(file, `ann:${await hash("one")}\n`);
    const own = await startTestRegistry({ htpasswd: file });
    expect((await own.send("GET", "/v2/", { headers: basic("ann", "one") })).status).toBe(200);
    // The clock of the file system may be coarse: the stamp is set apart by hand.
    writeFileSync(file, `ann:${await hash("two")}\n`);
    const { utimesSync } = await import("node:fs");
    utimesSync(file, new Date(), new Date(Date.now() + 5000));
    expect((await own.send("GET", "/v2/", { headers: basic("ann", "one") })).status).toBe(401);
    expect((await own.send("GET", "/v2/", { headers: basic("ann", "two") })).status).toBe(200);
    writeFileSync(file, "broken\n");
    utimesSync(file, new Date(), new Date(Date.now() + 9000));
    expect((await own.send("GET", "/v2/", { headers: basic("ann", "two") })).status).toBe(200);
    await own.close();
    expect(startTestRegistry({ htpasswd: file })).rejects.toThrow("line 1");
  });
});

describe("tokens of our own", () => {
  test("carry what the user may, and work at every endpoint", async () => {
    const registry = await startTestRegistry({ htpasswd: passwords, rules, "issue-tokens": true });
    const challenge = await registry.send("POST", "/v2/team/x/blobs/uploads/");
    expect(challenge.headers.get("www-authenticate")).toBe(
      `Bearer realm="${registry.url}/token",service="Berth registry",scope="repository:team/x:pull,push"`,
    );
    const token = async (scope: string, headers: Record<string, string> = {}) => {
      const query = new URLSearchParams({ service: "Berth registry", scope });
      const response = await registry.send("GET", `/token?${query.toString()}`, { headers });
      return { status: response.status, ...((await response.json()) as { token?: string }) };
    };
    const bearer = (text = "") => ({ authorization: `Bearer ${text}` });
    const ann = await token("repository:team/x:pull,push", basic("ann", "secret"));
    const started = await registry.send("POST", "/v2/team/x/blobs/uploads/", { headers: bearer(ann.token) });
    expect(started.status).toBe(202);
    expect((await registry.send("GET", "/v2/", { headers: bearer(ann.token) })).status).toBe(200);
    // Only what was asked for, though the user may more: the challenge says what to ask for.
    const narrow = await registry.send("GET", "/v2/team/y/tags/list", { headers: bearer(ann.token) });
    expect([narrow.status, narrow.headers.get("www-authenticate")]).toEqual([
      401,
      expect.stringContaining('scope="repository:team/y:pull"'),
    ]);
    const bob = await token("repository:team/x:pull,push", basic("bob", "other"));
    expect((await registry.send("POST", "/v2/team/x/blobs/uploads/", { headers: bearer(bob.token) })).status).toBe(403);
    expect((await registry.send("GET", "/v2/team/x/tags/list", { headers: bearer(bob.token) })).status).toBe(404);
    const anybody = await token("repository:public/x:pull,push");
    expect((await registry.send("GET", "/v2/public/x/tags/list", { headers: bearer(anybody.token) })).status).toBe(404);
    expect((await token("repository:team/x:pull", basic("ann", "wrong"))).status).toBe(401);
    const form = new URLSearchParams({
      grant_type: "password",
      service: "Berth registry",
      username: "ann",
      password: "secret",
      scope: "repository:team/x:pull",
    });
    expect((await registry.send("POST", "/token", { body: form })).status).toBe(200);
    // The key survives a restart, and so do tokens.
    const again = await registry.restart();
    expect((await again.send("GET", "/v2/", { headers: bearer(ann.token) })).status).toBe(200);
    await again.close();
  });
});

test("tokens of others are believed only with the right key, issuer, audience and time", async () => {
  const { publicKey, privateKey } = await generateKeyPair("ES256", { extractable: true });
  const keys = join(directory, "public.pem");
  writeFileSync(keys, await exportSPKI(publicKey));
  const registry = await startTestRegistry({
    tokens: { realm: "https://auth.example/token", service: "shop", issuer: "auth", keys },
  });
  const sign = async (changes: Record<string, unknown> = {}, header: Record<string, unknown> = {}, key = privateKey) =>
    new SignJWT({
      iss: "auth",
      aud: "shop",
      sub: "ann",
      exp: Math.floor(Date.now() / 1000) + 60,
      access: [{ type: "repository", name: "a", actions: ["pull"] }],
      ...changes,
    })
      .setProtectedHeader({ alg: "ES256", ...header })
      .sign(key);
  const status = async (token: string, method = "GET", path = "/v2/a/tags/list") =>
    (await registry.send(method, path, { headers: { authorization: `Bearer ${token}` } })).status;
  expect((await registry.send("GET", "/v2/")).headers.get("www-authenticate")).toContain("https://auth.example/token");
  expect(await status(await sign())).toBe(404);
  // What else the issuer would allow is not known here: asking it may help.
  expect(await status(await sign(), "POST", "/v2/a/blobs/uploads/")).toBe(401);
  expect(await status(await sign(), "GET", "/v2/b/tags/list")).toBe(401);
  const other = await generateKeyPair("ES256", { extractable: true });
  const unsigned = `${btoa('{"alg":"none"}')}.${(await sign()).split(".")[1] ?? ""}.`.replaceAll("=", "");
  const bad = {
    "another key": await sign({}, {}, other.privateKey),
    "a key it brings along": await sign({}, { jwk: await exportJWK(other.publicKey) }, other.privateKey),
    "a key by address": await sign({}, { jku: "http://127.0.0.1:1/keys" }, other.privateKey),
    "an unknown key id": await sign({}, { kid: "other" }),
    "no signature": unsigned,
    expired: await sign({ exp: Math.floor(Date.now() / 1000) - 120 }),
    "no end": await sign({ exp: undefined }),
    "not yet valid": await sign({ nbf: Math.floor(Date.now() / 1000) + 300 }),
    "another audience": await sign({ aud: "other" }),
    "another issuer": await sign({ iss: "other" }),
    nonsense: "a.b.c",
  };
  for (const [what, token] of Object.entries(bad)) expect(`${what}: ${await status(token)}`).toBe(`${what}: 401`);
  await registry.close();
});
