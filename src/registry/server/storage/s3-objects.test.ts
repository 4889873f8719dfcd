import { expect, test } from "bun:test";
import { startTestRegistry } from "../testing/test-registry.ts";
import { openS3Objects } from "./s3-objects.ts";
import { startFakeBucket } from "./testing/fake-bucket.ts";
import { objectStoreContract } from "./testing/object-store-contract.ts";

const keys = { accessKeyId: "key", secretAccessKey: "secret", bucket: "bucket", region: "us-east-1" };

objectStoreContract("a bucket", async () => {
  const bucket = startFakeBucket();
  const objects = openS3Objects({ ...keys, endpoint: bucket.endpoint, prefix: "some/where/", redirect: false });
  return { objects, close: bucket.close };
});

test("openS3Objects() tries again when the service is busy, and says what cannot work", async () => {
  const bucket = startFakeBucket();
  const objects = openS3Objects({ ...keys, endpoint: bucket.endpoint, prefix: "", redirect: false });
  await objects.write("a", Buffer.from("x"));
  bucket.fail(2);
  expect(Buffer.from((await objects.read("a")) ?? []).toString()).toBe("x");
  bucket.fail(1);
  expect(await objects.find("a")).toMatchObject({ sizeBytes: 1 });
  await bucket.close();
});

test("a registry works on a bucket, and can send clients there", async () => {
  const bucket = startFakeBucket();
  const s3 = {
    bucket: keys.bucket,
    region: keys.region,
    endpoint: bucket.endpoint,
    "access-key-id": "key",
    "secret-access-key": "secret",
    prefix: "registry",
  };
  let registry = await startTestRegistry({ s3, "gc-grace": "0" });
  const { digest, bytes } = await registry.pushImage("a", "1", { layer: "in the bucket" });
  expect([...bucket.objects.keys()].every((key) => key.startsWith("registry/"))).toBe(true);
  registry = await registry.restart();
  expect(await (await registry.send("GET", "/v2/a/manifests/1")).text()).toBe(bytes);
  const { layers } = JSON.parse(bytes) as { layers: { digest: string }[] };
  const path = `/v2/a/blobs/${layers[0]?.digest ?? ""}`;
  const ranged = await registry.send("GET", path, { headers: { range: "bytes=0-1" } });
  expect([ranged.status, await ranged.text()]).toEqual([206, "in"]);
  registry = await registry.restart({ s3: { ...s3, redirect: true }, "gc-grace": "0" });
  const redirected = await registry.send("GET", path);
  expect(redirected.status).toBe(307);
  expect(await (await fetch(redirected.headers.get("location") ?? "")).text()).toBe("in the bucket");
  await registry.send("DELETE", `/v2/a/manifests/${digest}`);
  await Bun.sleep(2);
  // Dates of S3 have no fractions of a second: what is older than the next one is old.
  for (const object of bucket.objects.values()) object.modified = new Date(Date.now() - 5000);
  await registry.server.collectGarbage();
  expect([...bucket.objects.keys()]).toEqual([]);
  await registry.close();
  await bucket.close();
});
