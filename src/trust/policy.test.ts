import { afterAll, describe, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseReference } from "#formats";
import { fitsIdentity } from "./identity.ts";
import { readTrustPolicy, requirementsFor } from "./policy.ts";

const directory = mkdtempSync(join(tmpdir(), "berth-policy-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const path = join(directory, "policy.json");
function policyOf(document: unknown) {
  writeFileSync(path, typeof document === "string" ? document : JSON.stringify(document));
  return readTrustPolicy(path);
}
const accept = [{ type: "insecureAcceptAnything" }];
const reject = [{ type: "reject" }];

describe("requirementsFor()", () => {
  const policy = policyOf({
    default: reject,
    transports: {
      docker: {
        "docker.io/library": accept,
        "docker.io/library/debian": reject,
        "docker.io/library/debian:bookworm": accept,
        "registry.example:5000/team": accept,
        "*.trusted.example": accept,
      },
      "docker-daemon": { "": accept },
      podman: { nonsense: 1 },
    },
  });
  test.each([
    ["busybox", "insecureAcceptAnything"],
    ["debian", "reject"],
    ["debian:bookworm", "insecureAcceptAnything"],
    ["registry.example:5000/team/a/b:1", "insecureAcceptAnything"],
    ["registry.example:5000/teams:1", "reject"],
    ["a.trusted.example/x", "insecureAcceptAnything"],
    ["a.b.trusted.example:443/x", "insecureAcceptAnything"],
    ["trusted.example/x", "reject"],
    ["elsewhere.example/x", "reject"],
  ])("finds the most exact scope of %s", (name, type) => {
    expect(requirementsFor(policy, parseReference(name))[0]?.type).toBe(type as "reject");
  });
  test("has an answer for images without a name", () => {
    expect(requirementsFor(policy, undefined)).toEqual([{ type: "insecureAcceptAnything" }]);
    expect(requirementsFor(policyOf({ default: reject }), undefined)).toEqual([{ type: "reject" }]);
  });
});

describe("readTrustPolicy()", () => {
  const key = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ type: "spki", format: "pem" });
  test.each([
    ["no JSON", "{", "JSON"],
    ["no default", {}, "default"],
    ["no requirement", { default: [] }, "at least one"],
    ["an unknown requirement", { default: [{ type: "signedBy", keyType: "GPGKeys" }] }, "not supported"],
    ["an unknown field", { default: accept, other: 1 }, "other"],
    ["a misspelt field", { default: [{ type: "sigstoreSigned", keypath: "/x" }] }, "keypath"],
    ["no key", { default: [{ type: "sigstoreSigned" }] }, "keyPath"],
    ["two kinds of keys", { default: [{ type: "sigstoreSigned", keyData: btoa(key), keyPath: "/x" }] }, "one of"],
    ["a key that is not there", { default: [{ type: "sigstoreSigned", keyPath: "/nowhere/key" }] }, "ENOENT"],
    ["a key that is none", { default: [{ type: "sigstoreSigned", keyData: btoa("no key") }] }, "invalid trust policy"],
    ["a wrong scope", { default: accept, transports: { docker: { x: [{ type: "nothing" }] } } }, "transports.docker.x"],
  ])("refuses %s", (_what, document, message) => {
    expect(() => policyOf(document)).toThrow(message);
  });
});

test("fitsIdentity() compares names as containers-policy.json(5) says", () => {
  const name = parseReference("registry.example/team/app:1");
  const byDigest = parseReference(`registry.example/team/app@sha256:${"a".repeat(64)}`);
  expect(fitsIdentity({ type: "matchExact" }, name, "registry.example/team/app:1")).toBe(true);
  expect(fitsIdentity({ type: "matchExact" }, name, "registry.example/team/app:2")).toBe(false);
  expect(fitsIdentity({ type: "matchExact" }, name, "registry.example/team/app")).toBe(false);
  expect(fitsIdentity({ type: "matchExact" }, byDigest, "registry.example/team/app:1")).toBe(false);
  expect(fitsIdentity({ type: "matchRepoDigestOrExact" }, byDigest, "registry.example/team/app:1")).toBe(true);
  expect(fitsIdentity({ type: "matchRepoDigestOrExact" }, name, "registry.example/team/app:2")).toBe(false);
  expect(fitsIdentity({ type: "matchRepository" }, name, "registry.example/team/app")).toBe(true);
  expect(fitsIdentity({ type: "matchRepository" }, name, "registry.example/team/other")).toBe(false);
  expect(fitsIdentity({ type: "matchRepository" }, name, "no name at all!")).toBe(false);
  const remap = { type: "remapIdentity", prefix: "registry.example", signedPrefix: "upstream.example" } as const;
  expect(fitsIdentity(remap, name, "upstream.example/team/app:1")).toBe(true);
  expect(fitsIdentity(remap, name, "registry.example/team/app:1")).toBe(false);
  expect(fitsIdentity({ type: "exactRepository", dockerRepository: "a.example/b" }, name, "a.example/b:9")).toBe(true);
  expect(fitsIdentity({ type: "exactReference", dockerReference: "a.example/b:1" }, name, "a.example/b:9")).toBe(false);
});
