import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "#base";
import { completeServerConfig, parseMirrorFlag, parseServerConfig, readServerConfig } from "./settings.ts";
import { startRegistryServer } from "./start.ts";
import { startTestRegistry } from "./testing/test-registry.ts";

const directory = mkdtempSync(join(tmpdir(), "berth-settings-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const complete = (document: unknown) => completeServerConfig(parseServerConfig(document, "a file"));

describe("the configuration", () => {
  test("has defaults for everything", () => {
    expect(complete({})).toMatchObject({
      listen: ["127.0.0.1:5000"],
      root: "/var/lib/berth-registry",
      garbageGraceMs: 86_400_000,
      manifestLimit: 4 * 1024 * 1024,
      deletes: true,
      readOnly: false,
      acceptsSparse: false,
    });
  });

  test("reads durations, sizes, mirrors and rules", () => {
    const settings = complete({
      "gc-grace": "30d",
      "gc-interval": "1h30m",
      "max-manifest-size": "1m",
      mirrors: [{ upstream: "http://up.example:5000/", prefix: "up" }],
      retention: [{ repositories: ["a/**"], "older-than": "90d", "keep-newest": 3 }],
      s3: { bucket: "b", prefix: "registry/" },
    });
    expect(settings.garbageGraceMs).toBe(30 * 86_400_000);
    expect(settings.garbageIntervalMs).toBe(5_400_000);
    expect(settings.manifestLimit).toBe(1024 * 1024);
    expect(settings.mirrors).toMatchObject([{ upstream: "up.example:5000", prefix: "up/", insecure: true }]);
    expect(settings.retention).toMatchObject([{ olderThanMs: 90 * 86_400_000, keepNewest: 3 }]);
    expect(settings.s3).toMatchObject({ bucket: "b", prefix: "registry/", redirect: false });
    expect(parseMirrorFlag("hub/=docker.io")).toEqual({ upstream: "docker.io", prefix: "hub/" });
    expect(parseMirrorFlag("docker.io")).toEqual({ upstream: "docker.io", prefix: "" });
  });

  test.each<[string, unknown, string]>([
    ["an unknown option", { listening: [] }, "unknown option listening"],
    ["an unknown option further in", { s3: { bucket: "b", key: "k" } }, "unknown option s3.key"],
    ["a wrong duration", { "gc-grace": "soon" }, 'gc-grace: a duration such as "12h"'],
    ["a wrong size", { "max-manifest-size": "much" }, "max-manifest-size: a size"],
    ["a relative path", { root: "here" }, "root: an absolute path"],
    ["a right that is none", { rules: [{ users: [], repositories: [], actions: ["rule"] }] }, "rules.0.actions"],
    ["a certificate without a key", { "tls-cert": "/c" }, "--tls-key"],
    ["a client authority without a certificate", { "tls-client-ca": "/c" }, "--tls-cert"],
    ["tokens without users", { "issue-tokens": true }, "--htpasswd"],
    ["rules without users", { rules: [] }, "rules need users"],
    ["a mirror that is no host", { mirrors: [{ upstream: "a b" }] }, "[PREFIX=]HOST"],
    [
      "tokens of two kinds",
      { htpasswd: "/h", "issue-tokens": true, tokens: { realm: "r", service: "s", issuer: "i", keys: "/k" } },
      "another server",
    ],
  ])("with %s is refused", (_what, document, message) => {
    expect(() => complete(document)).toThrow(message);
  });

  test("that is no JSON, or not there, is refused by its name", () => {
    const path = join(directory, "broken.json");
    writeFileSync(path, "{");
    expect(() => readServerConfig(path)).toThrow(path);
    expect(() => readServerConfig(join(directory, "absent.json"))).toThrow("absent.json");
  });
});

test("a root belongs to one registry at a time, an address must be one", async () => {
  const registry = await startTestRegistry();
  const settings = complete({ root: registry.root, listen: ["127.0.0.1:0"] });
  expect(startRegistryServer(settings, silentLogger)).rejects.toThrow("another registry uses");
  expect(startRegistryServer(complete({ root: registry.root, listen: ["nowhere"] }), silentLogger)).rejects.toThrow(
    "--listen",
  );
  await registry.close();
});

test("a registry may listen on a socket", async () => {
  const socket = join(directory, "registry.sock");
  const settings = complete({ root: join(directory, "root"), listen: [`unix://${socket}`], "gc-interval": "0" });
  const server = await startRegistryServer(settings, silentLogger);
  expect((await fetch("http://localhost/v2/", { unix: socket })).status).toBe(200);
  await server.stop();
  expect(existsSync(join(directory, "root/data"))).toBe(true);
});
