import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type FakeBucket, startFakeBucket } from "../../src/registry/server/storage/testing/fake-bucket.ts";
import { mustRun } from "../engines/command.ts";
import { berthBinary } from "../engines/engine.ts";
import { type RegistryProcess, startRegistry } from "../engines/registry.ts";
import { testBlobs } from "./registry-specification/blobs.ts";
import {
  createSpecificationClient,
  type JudgedRegistry,
  type SpecificationClient,
} from "./registry-specification/client.ts";
import { liveThrough, sampleSets } from "./registry-specification/contents.ts";
import { digestOf, types } from "./registry-specification/samples.ts";
import { testWorkflows } from "./registry-specification/workflows.ts";

/*
 * What the conformance tests of the OCI distribution specification ask of a registry, those of 1.1 (four workflows) and those
 * that followed them (every way of pushing for both digests, every kind of content), each check strict where the
 * specification leaves a choice. REGISTRY_URL (with REGISTRY_USER and REGISTRY_PASSWORD) judges another registry;
 * REGISTRY_SPECIFICATION=whole tries all contents with credentials too.
 */
const login = { user: "ann", password: "secret" };
let bucket: FakeBucket | undefined;

async function passwords(directory: string, issueTokens: boolean): Promise<readonly string[]> {
  const htpasswd = join(directory, "htpasswd");
  const command = [berthBinary, "registry", "htpasswd", "--cost", "4", login.user];
  writeFileSync(htpasswd, await mustRun(command, { input: `${login.password}\n` }));
  const config = join(directory, "registry.json");
  writeFileSync(config, JSON.stringify({ htpasswd, "issue-tokens": issueTokens }));
  return ["--config-file", config];
}

async function onBucket(directory: string): Promise<readonly string[]> {
  bucket = startFakeBucket();
  const keys = { "access-key-id": "key", "secret-access-key": "secret" };
  const config = join(directory, "registry.json");
  writeFileSync(
    config,
    JSON.stringify({ s3: { bucket: "bucket", endpoint: bucket.endpoint, region: "here", ...keys } }),
  );
  return ["--config-file", config];
}

type Kind = { readonly flags: (directory: string) => Promise<readonly string[]>; readonly login?: typeof login };
const berthRegistries: Readonly<Record<string, Kind>> = {
  "on disk": { flags: async () => [] },
  "in a bucket": { flags: onBucket },
  "with passwords": { flags: (directory) => passwords(directory, false), login },
  "with tokens": { flags: (directory) => passwords(directory, true), login },
};
const elsewhere = process.env["REGISTRY_URL"];
const judged: Readonly<Record<string, Kind | undefined>> =
  elsewhere === undefined ? berthRegistries : { [`at ${elsewhere}`]: undefined };

afterAll(async () => {
  await bucket?.close();
});

describe.each(Object.keys(judged))("a registry %s", (name) => {
  let registry: RegistryProcess | undefined;
  let client: SpecificationClient;
  let target: JudgedRegistry;
  const repository = "conformance/one";
  const other = "conformance/two";

  beforeAll(async () => {
    const kind = judged[name];
    if (kind === undefined) {
      const { REGISTRY_USER: user = "", REGISTRY_PASSWORD: password = "" } = process.env;
      target = { url: elsewhere ?? "", ...(user === "" ? {} : { login: { user, password } }) };
    } else {
      registry = await startRegistry(kind.flags);
      target = { url: `http://${registry.host}`, login: kind.login };
    }
    client = createSpecificationClient(target);
  }, 30_000);
  afterAll(async () => {
    await registry?.destroy();
  }, 20_000);

  test("says that it is one, and has nothing at first", async () => {
    expect((await client.send("GET", "/v2/")).status).toBe(200);
    expect([200, 404]).toContain((await client.send("GET", `/v2/${repository}/tags/list`)).status);
    const answer = await client.send("GET", `/v2/${repository}/referrers/${digestOf(Buffer.from("no"))}`);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, types.index]);
  });

  // Credentials change nothing about contents: a few are enough, but every endpoint has to ask for the right ones.
  const isBrief = judged[name]?.login !== undefined && process.env["REGISTRY_SPECIFICATION"] !== "whole";
  const brief = ["an image", "an index", "artifacts about an image"];
  const algorithms = isBrief ? (["sha256"] as const) : (["sha256", "sha512"] as const);
  for (const algorithm of algorithms) testBlobs(() => client, repository, other, algorithm);

  test.each(isBrief ? brief : Object.keys(sampleSets))("keeps and gives back: %s", async (contents) => {
    const samples = sampleSets[contents]?.();
    if (samples !== undefined) await liveThrough(client, repository, samples);
  });

  testWorkflows({ client: () => client, repository, other });

  // As Go's client sends them, which no fetch() does.
  const rawOnes = judged[name]?.login === undefined && elsewhere === undefined ? ["Accept"] : [];
  test.each(rawOnes)("reads what a client says in several lines of %s", async (header) => {
    const samples = sampleSets["an index of nothing"]?.();
    const [manifest] = samples?.manifests ?? [];
    const path = `/v2/${repository}/manifests/lines`;
    const body = manifest?.bytes ?? Buffer.alloc(0);
    await client.send("PUT", path, { headers: { "content-type": types.index }, body });
    const { hostname, port } = new URL(target.url);
    const socket = connect(Number(port), hostname);
    const lines = [types.manifest, types.index].map((type) => `${header}: ${type}\r\n`).join("");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${hostname}\r\n${lines}Connection: close\r\n\r\n`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket) chunks.push(chunk as Buffer);
    expect(Buffer.concat(chunks).toString()).toStartWith("HTTP/1.1 200");
    expect((await client.send("DELETE", `/v2/${repository}/manifests/${manifest?.digest}`)).status).toBe(202);
  });
});
