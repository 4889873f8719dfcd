import { describe, expect, test } from "bun:test";
import { readOutput } from "./choice.ts";

describe("readOutput", () => {
  test("reads an image with names, push and annotations", () => {
    expect(
      readOutput(
        {
          type: "image",
          attributes: {
            name: "a,reg.example/b:2",
            push: "true",
            "annotation-index.k": "v",
            "annotation[linux/amd64].m": "w",
          },
        },
        ["c:3"],
      ),
    ).toMatchObject({
      kind: "image",
      store: true,
      push: { byDigest: false },
      names: [{ familiar: "a:latest" }, { familiar: "reg.example/b:2" }, { familiar: "c:3" }],
      annotations: [
        { level: "index", key: "k", value: "v", platform: undefined },
        { level: "manifest", key: "m", value: "w", platform: "linux/amd64" },
      ],
    });
  });

  test("a registry keeps nothing here, Docker's archive is not compressed", () => {
    expect(readOutput({ type: "registry", attributes: { name: "a" } })).toMatchObject({ store: false });
    expect(readOutput({ type: "docker", attributes: {} })).toMatchObject({
      kind: "archive",
      compression: "uncompressed",
    });
    expect(readOutput({ type: "oci", attributes: { tar: "false" } })).toMatchObject({
      tar: false,
      compression: "gzip",
    });
    expect(readOutput({ type: "local", attributes: { "platform-split": "false" } })).toMatchObject({ split: false });
  });

  test.each([
    [{ type: "zip", attributes: {} }, "zip"],
    [{ type: "local", attributes: { name: "x" } }, "name"],
    [{ type: "oci", attributes: { compression: "lzma" } }, "compression"],
    [{ type: "oci", attributes: { "compression-level": "99" } }, "compression-level"],
    [{ type: "image", attributes: { push: "perhaps" } }, "push"],
    [{ type: "image", attributes: { push: "true" } }, "tag is needed"],
    [{ type: "image", attributes: { name: "A:1" } }, "A:1"],
    [{ type: "image", attributes: { name: `a@sha256:${"0".repeat(64)}` } }, "digest"],
  ])("refuses %j", (choice, word) => {
    expect(() => readOutput(choice as Parameters<typeof readOutput>[0])).toThrow(word);
  });
});
