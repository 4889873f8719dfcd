import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openDiskObjects } from "./disk-objects.ts";
import { objectStoreContract } from "./testing/object-store-contract.ts";

objectStoreContract("a directory", async () => {
  const root = mkdtempSync(join(tmpdir(), "berth-disk-"));
  return {
    objects: openDiskObjects(root),
    close: async () => rmSync(root, { recursive: true, force: true }),
  };
});

test("openDiskObjects() takes away what a crash left half written", () => {
  const root = mkdtempSync(join(tmpdir(), "berth-disk-"));
  openDiskObjects(root);
  writeFileSync(join(root, "tmp", "half"), "ha");
  openDiskObjects(root);
  expect(readdirSync(join(root, "tmp"))).toEqual([]);
  rmSync(root, { recursive: true, force: true });
});
