import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { createSign, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { busyboxArchive } from "../engines/busybox-image.ts";
import { runCommand } from "../engines/command.ts";
import { berthBinary, type EngineProcess, startEngine } from "../engines/engine.ts";
import { type RegistryProcess, startRegistry } from "../engines/registry.ts";

const ours = generateKeyPairSync("ec", { namedCurve: "P-256" });
const modern = generateKeyPairSync("ed25519");
const foreign = generateKeyPairSync("ec", { namedCurve: "P-256" });
const pem = (key: KeyObject) => key.export({ type: "spki", format: "pem" });

const manifestType = "application/vnd.oci.image.manifest.v1+json";
const digestOf = (bytes: string | Uint8Array) => `sha256:${new Bun.CryptoHasher("sha256").update(bytes).digest("hex")}`;

let registry: RegistryProcess;
let engine: EngineProcess;
let archive: string;

const berth = (...words: string[]) =>
  runCommand([berthBinary, ...words], { environment: { BERTH_HOST: engine.host, DOCKER_CONFIG: engine.directory } });
const must = async (...words: string[]) => {
  const result = await berth(...words);
  if (result.exitCode !== 0) throw new Error(`${words.join(" ")}: ${result.stdout}${result.stderr}`);
  return result.stdout.trim();
};

async function put(repository: string, bytes: string | Uint8Array): Promise<{ digest: string; size: number }> {
  const digest = digestOf(bytes);
  const url = `http://${registry.host}/v2/${repository}/blobs/uploads/?digest=${digest}`;
  expect((await fetch(url, { method: "POST", body: bytes })).status).toBe(201);
  return { digest, size: Buffer.byteLength(bytes) };
}

async function putManifest(repository: string, reference: string, document: unknown): Promise<void> {
  const url = `http://${registry.host}/v2/${repository}/manifests/${reference}`;
  const body = JSON.stringify(document);
  expect((await fetch(url, { method: "PUT", body, headers: { "content-type": manifestType } })).status).toBe(201);
}

async function digestAt(repository: string, tag = "1"): Promise<string> {
  const accept = `${manifestType}, application/vnd.docker.distribution.manifest.v2+json`;
  const url = `http://${registry.host}/v2/${repository}/manifests/${tag}`;
  return (await fetch(url, { method: "HEAD", headers: { accept } })).headers.get("docker-content-digest") ?? "";
}

/** Puts the image of free/app into another repository too. */
async function copyTo(repository: string): Promise<void> {
  const at = (path: string) => `http://${registry.host}/v2/${path}`;
  const found = await fetch(at("free/app/manifests/1"));
  const type = found.headers.get("content-type") ?? "";
  const body = await found.text();
  const { config, layers } = JSON.parse(body) as { config: { digest: string }; layers: { digest: string }[] };
  for (const { digest } of [config, ...layers]) {
    const mount = at(`${repository}/blobs/uploads/?mount=${digest}&from=free/app`);
    expect((await fetch(mount, { method: "POST" })).status).toBe(201);
  }
  const answer = await fetch(at(`${repository}/manifests/1`), {
    method: "PUT",
    body,
    headers: { "content-type": type },
  });
  expect(answer.status).toBe(201);
}

/** Signs as `cosign sign --key` does: a payload below the tag `sha256-….sig`. */
async function signSimply(
  repository: string,
  key: KeyObject,
  claim: { readonly digest?: string; readonly reference?: string } = {},
): Promise<void> {
  const digest = await digestAt(repository);
  const payload = JSON.stringify({
    critical: {
      identity: { "docker-reference": claim.reference ?? `${registry.host}/${repository}` },
      image: { "docker-manifest-digest": claim.digest ?? digest },
      type: "cosign container image signature",
    },
    optional: null,
  });
  const signature =
    key.asymmetricKeyType === "ed25519"
      ? sign(null, Buffer.from(payload), key)
      : createSign("sha256").update(payload).sign(key);
  await putManifest(repository, `${digest.replace(":", "-")}.sig`, {
    schemaVersion: 2,
    mediaType: manifestType,
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...(await put(repository, "{}")) },
    layers: [
      {
        mediaType: "application/vnd.dev.cosign.simplesigning.v1+json",
        ...(await put(repository, payload)),
        annotations: { "dev.cosignproject.cosign/signature": signature.toString("base64") },
      },
    ],
  });
}

/** Signs as newer cosign does: a sigstore bundle that refers to the image. */
async function signByBundle(repository: string, key: KeyObject, subject?: string): Promise<void> {
  const digest = await digestAt(repository);
  const statement = JSON.stringify({
    _type: "https://in-toto.io/Statement/v1",
    subject: [{ name: "", digest: { sha256: (subject ?? digest).slice("sha256:".length) } }],
    predicateType: "https://sigstore.dev/cosign/sign/v1",
    predicate: {},
  });
  const payloadType = "application/vnd.in-toto+json";
  // DSSE's pre-authentication encoding.
  const encoded = `DSSEv1 ${payloadType.length} ${payloadType} ${statement.length} ${statement}`;
  const bundleType = "application/vnd.dev.sigstore.bundle.v0.3+json";
  const bundle = JSON.stringify({
    mediaType: bundleType,
    verificationMaterial: { publicKey: { hint: "key" }, tlogEntries: [], timestampVerificationData: null },
    dsseEnvelope: {
      payload: btoa(statement),
      payloadType,
      signatures: [{ sig: createSign("sha256").update(encoded).sign(key).toString("base64"), keyid: "" }],
    },
  });
  const document = {
    schemaVersion: 2,
    mediaType: manifestType,
    artifactType: bundleType,
    config: { mediaType: "application/vnd.oci.empty.v1+json", ...(await put(repository, "{}")) },
    layers: [{ mediaType: bundleType, ...(await put(repository, bundle)) }],
    subject: { mediaType: manifestType, digest, size: 1 },
  };
  await putManifest(repository, digestOf(JSON.stringify(document)), document);
}

describe("a trust policy", () => {
  const name = (repository: string) => `${registry.host}/${repository}:1`;

  beforeAll(async () => {
    [registry, archive] = await Promise.all([startRegistry(), busyboxArchive()]);
    const policy = join(registry.directory, "policy.json");
    writeFileSync(join(registry.directory, "ours.pub"), pem(ours.publicKey));
    const signed = (repositoryMatch: boolean) => ({
      type: "sigstoreSigned",
      keyPaths: [join(registry.directory, "ours.pub")],
      ...(repositoryMatch ? { signedIdentity: { type: "matchRepository" } } : {}),
    });
    writeFileSync(
      policy,
      JSON.stringify({
        default: [{ type: "insecureAcceptAnything" }],
        transports: {
          docker: {
            [`${registry.host}/team`]: [signed(true)],
            [`${registry.host}/exact`]: [signed(false)],
            [`${registry.host}/modern`]: [
              {
                type: "sigstoreSigned",
                keyData: btoa(pem(modern.publicKey)),
                signedIdentity: { type: "matchRepository" },
              },
            ],
            [`${registry.host}/forbidden`]: [{ type: "reject" }],
          },
          "docker-daemon": { "": [{ type: "insecureAcceptAnything" }] },
        },
      }),
    );
    engine = await startEngine("berth", { flags: ["--trust-policy", policy] });
    await must("load", "-q", "-i", archive);
    await must("tag", "busybox", name("free/app"));
    await must("push", "-q", name("free/app"));
    await must("rmi", name("free/app"));
    for (const repository of [
      "team/signed",
      "team/unsigned",
      "team/foreign",
      "team/renamed",
      "team/swapped",
      "team/bundle",
      "team/bundled-other",
      "exact/app",
      "modern/app",
      "forbidden/app",
    ]) {
      await copyTo(repository);
    }
    await signSimply("team/signed", ours.privateKey);
    await signSimply("team/foreign", foreign.privateKey);
    await signSimply("team/renamed", ours.privateKey, { reference: `${registry.host}/team/signed` });
    await signSimply("team/swapped", ours.privateKey, { digest: digestOf("another") });
    await signByBundle("team/bundle", ours.privateKey);
    await signByBundle("team/bundled-other", ours.privateKey, digestOf("another"));
    await signSimply("exact/app", ours.privateKey);
    await signSimply("modern/app", modern.privateKey);
  }, 90_000);
  afterAll(async () => {
    await engine?.destroy();
    await registry?.destroy();
  }, 60_000);

  test.each(["team/signed", "team/bundle", "modern/app", "free/app"])(
    "lets %s in, and run",
    async (repository) => {
      await must("pull", "-q", name(repository));
      expect(await must("run", "--rm", name(repository), "echo", "runs")).toBe("runs");
      await must("pull", "-q", name(repository));
      const digest = await digestAt(repository);
      await must("rmi", name(repository));
      await must("pull", "-q", `${registry.host}/${repository}@${digest}`);
      await must("rmi", `${registry.host}/${repository}@${digest}`);
    },
    30_000,
  );

  test.each([
    ["team/unsigned", "it has no signature"],
    ["team/foreign", "no signature is by a key of the policy"],
    ["team/renamed", "the signature is for the name"],
    ["team/swapped", "the signature is for another image"],
    ["team/bundled-other", "the signature is for another image"],
    ["exact/app", "signedIdentity is matchRepoDigestOrExact"],
    ["forbidden/app", "it is rejected"],
  ])("keeps %s out: %s", async (repository, reason) => {
    const pulled = await berth("pull", name(repository));
    expect([pulled.exitCode, pulled.stderr]).toEqual([1, expect.stringContaining(reason)]);
    expect(pulled.stderr).toContain("is not trusted by the policy");
    expect((await berth("image", "inspect", name(repository))).exitCode).toBe(1);
  });

  test("holds for what is here already: by name, by id, as a base, as a mount", async () => {
    const context = join(engine.directory, "context");
    mkdirSync(context);
    writeFileSync(join(context, "Dockerfile"), "FROM busybox\nLABEL local=yes\n");
    await must("build", "-q", "-t", name("team/local"), "-t", "local", context);
    const refused = async (...words: string[]) => {
      const result = await berth(...words);
      expect(result.exitCode).not.toBe(0);
      expect(`${result.stdout}${result.stderr}`).toContain("is not trusted by the policy");
    };
    await refused("run", "--rm", name("team/local"), "true");
    await refused("create", name("team/local"));
    await refused("run", "--rm", "--mount", `type=image,source=${name("team/local")},target=/x`, "busybox", "true");
    for (const dockerfile of [
      `FROM ${name("team/local")}\nRUN true\n`,
      `FROM busybox\nCOPY --from=${name("team/local")} /bin/busybox /x\n`,
    ]) {
      writeFileSync(join(context, "Dockerfile"), dockerfile);
      await refused("build", context);
    }
    // The name it also has is allowed, and by id one allowed name is enough.
    await must("run", "--rm", "local", "true");
    const id = await must("image", "inspect", "--format", "{{.Id}}", "local");
    await must("run", "--rm", id, "true");
    await must("rmi", "local");
    await refused("run", "--rm", id, "true");
    await must("rmi", name("team/local"));
  }, 60_000);

  test("a signature taken away later does not end what was pulled with it", async () => {
    await must("pull", "-q", name("team/signed"));
    const digest = await digestAt("team/signed");
    const signature = `http://${registry.host}/v2/team/signed/manifests/${digest.replace(":", "-")}.sig`;
    expect((await fetch(signature, { method: "DELETE" })).status).toBe(202);
    expect(await must("run", "--rm", name("team/signed"), "echo", "still")).toBe("still");
    expect((await berth("pull", name("team/signed"))).exitCode).toBe(1);
    await must("rmi", name("team/signed"));
  }, 30_000);
});
