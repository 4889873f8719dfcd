import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ObjectStore } from "../object-store.ts";

/** A store to test, and how it is taken away again. */
export type ObjectStoreUnderTest = { readonly objects: ObjectStore; readonly close: () => Promise<void> };

async function textOf(body: Blob | ReadableStream<Uint8Array>): Promise<string> {
  return new Response(body).text();
}

async function keysOf(objects: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const key of objects.list(prefix)) keys.push(key);
  return keys.sort();
}

/** What every store promises; each implementation runs it. */
export function objectStoreContract(name: string, open: () => Promise<ObjectStoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let store: ObjectStoreUnderTest;
    let directory: string;
    beforeEach(async () => {
      store = await open();
      directory = mkdtempSync(join(tmpdir(), "berth-objects-"));
    });
    afterEach(async () => {
      await store.close();
      rmSync(directory, { recursive: true, force: true });
    });

    test("write() then read() gives the bytes, a second write() replaces them", async () => {
      const { objects } = store;
      await objects.write("a/b", Buffer.from("one"));
      await objects.write("a/b", Buffer.from("second"));
      expect(Buffer.from((await objects.read("a/b")) ?? []).toString()).toBe("second");
      const facts = await objects.find("a/b");
      expect(facts?.sizeBytes).toBe(6);
      expect(Math.abs(Date.now() - (facts?.modifiedMs ?? 0))).toBeLessThan(60_000);
    });

    test("write() keeps empty objects", async () => {
      await store.objects.write("empty", new Uint8Array());
      expect(await store.objects.find("empty")).toMatchObject({ sizeBytes: 0 });
      expect((await store.objects.read("empty"))?.byteLength).toBe(0);
    });

    test("absent objects are undefined, also below and above present ones", async () => {
      const { objects } = store;
      await objects.write("a/b", Buffer.from("x"));
      for (const key of ["a", "a/b/c", "a/c", "z"]) {
        expect(await objects.find(key)).toBeUndefined();
        expect(await objects.read(key)).toBeUndefined();
      }
    });

    test("adopt() takes the file over", async () => {
      for (const [key, text] of [
        ["blobs/sha256/aa/1", "content"],
        ["blobs/sha256/aa/2", ""],
      ] as const) {
        const path = join(directory, "file");
        writeFileSync(path, text);
        await store.objects.adopt(key, path);
        expect(existsSync(path)).toBe(false);
        expect(await textOf(await store.objects.body(key))).toBe(text);
      }
    });

    test("adopt() replaces an object of another size", async () => {
      await store.objects.write("blobs/sha256/aa/1", Buffer.from("cut"));
      const path = join(directory, "file");
      writeFileSync(path, "whole");
      await store.objects.adopt("blobs/sha256/aa/1", path);
      expect(Buffer.from((await store.objects.read("blobs/sha256/aa/1")) ?? []).toString()).toBe("whole");
    });

    test("adopt() and body() of what is larger than a part", async () => {
      const bytes = Buffer.alloc(20 * 1024 * 1024, "0123456789abcdef");
      bytes.write("end", bytes.length - 3);
      const path = join(directory, "file");
      writeFileSync(path, bytes);
      await store.objects.adopt("large", path);
      expect((await store.objects.find("large"))?.sizeBytes).toBe(bytes.length);
      const range = { start: bytes.length - 3, end: bytes.length - 1 };
      expect(await textOf(await store.objects.body("large", range))).toBe("end");
      const whole = await new Response(await store.objects.body("large")).bytes();
      expect(Buffer.compare(whole, bytes)).toBe(0);
    });

    test("body() gives a range, both ends included", async () => {
      await store.objects.write("a", Buffer.from("0123456789"));
      expect(await textOf(await store.objects.body("a", { start: 2, end: 4 }))).toBe("234");
      expect(await textOf(await store.objects.body("a", { start: 9, end: 9 }))).toBe("9");
    });

    test("delete() and discard() are idempotent", async () => {
      await store.objects.write("a", Buffer.from("x"));
      await store.objects.delete("a");
      await store.objects.delete("a");
      await store.objects.write("b/c", Buffer.from("x"));
      await store.objects.discard("b/c");
      await store.objects.discard("b/c");
      expect(await keysOf(store.objects, "")).toEqual([]);
      expect(await store.objects.find("a")).toBeUndefined();
    });

    test("list() gives the keys below a prefix and no others", async () => {
      const { objects } = store;
      for (const key of ["a/1", "a/b/2", "a/b/c/3", "ab/4", "b/a/5"]) await objects.write(key, new Uint8Array());
      expect(await keysOf(objects, "a/")).toEqual(["a/1", "a/b/2", "a/b/c/3"]);
      expect(await keysOf(objects, "none/")).toEqual([]);
    });

    test("list() goes on beyond a page", async () => {
      const { objects } = store;
      const names = Array.from({ length: 1203 }, (_, index) => `many/${index}`);
      for (let start = 0; start < names.length; start += 100) {
        await Promise.all(names.slice(start, start + 100).map((key) => objects.write(key, new Uint8Array())));
      }
      expect(await keysOf(objects, "many/")).toEqual(names.sort());
    });
  });
}
