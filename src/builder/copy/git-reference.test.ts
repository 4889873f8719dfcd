import { describe, expect, test } from "bun:test";
import { referenceTable } from "../testing/reference-data.ts";
import { isGitContext, isGitSource, parseGitReference } from "./git-reference.ts";

describe("git references", () => {
  test.each([
    ["https://example.com/a.git", true],
    ["https://example.com/a.git#branch", true],
    ["https://example.com/a.git?ref=x", true],
    ["https://example.com/a", false],
    ["https://example.com/a.git/", false],
    ["git://example.com/a", true],
    ["ssh://git@example.com/a", true],
    ["git@example.com:a/b", true],
    ["github.com/a/b", false],
    ["a.git", false],
    ["./a@b:c", false],
  ])("isGitSource(%j) is %p", (text, expected) => {
    expect(isGitSource(text)).toBe(expected);
  });

  test("parseGitReference() reads fragment and query", () => {
    expect(parseGitReference("https://e.com/a.git?branch=b&subdir=/x/&keep-git-dir=1&checksum=abc")).toMatchObject({
      remote: "https://e.com/a.git",
      reference: "refs/heads/b",
      subdirectory: "x",
      keepGitDirectory: true,
      checksum: "abc",
    });
    expect(parseGitReference("git@e.com:a.git#v1:sub/dir")).toMatchObject({
      remote: "git@e.com:a.git",
      reference: "v1",
      subdirectory: "sub/dir",
    });
    expect(parseGitReference("github.com/a/b").remote).toBe("https://github.com/a/b");
  });

  test.each([
    ["https://e.com/a.git?ref=1#2", "ref conflicts"],
    ["https://e.com/a.git?tag=1&branch=2", "branch conflicts with tag"],
    ["https://e.com/a.git?wat=1", 'unexpected query "wat"'],
    ["https://e.com/a.git?ref=1&ref=2", "given twice"],
    ["https://e.com/a.git#x:../../etc", "invalid subdir"],
    ["https://e.com/a.git#--upload-pack=x", "invalid ref"],
    ["https://e.com/a.git?mtime=x", "invalid mtime value"],
  ])("parseGitReference(%j) is refused", (text, message) => {
    expect(() => parseGitReference(text)).toThrow(message);
  });

  type Row = {
    readonly ref: string;
    readonly expected?: { Remote: string; Ref?: string; SubDir?: string; Checksum?: string } | null;
    readonly err?: string;
  };
  test.each(referenceTable<Row>("git-refs/parse.json").map((row) => [row.ref, row] as const))(
    "as BuildKit: %s",
    (text, { expected, err }) => {
      if (err !== undefined) {
        expect(() => parseGitReference(text)).toThrow(err);
        return;
      }
      expect(isGitContext(text)).toBe(expected !== null);
      if (expected === null || expected === undefined) return;
      const { remote, reference, subdirectory, checksum } = parseGitReference(text);
      expect({ remote: remote.replace(/^https:\/\/(?=github\.com\/)/, ""), reference, subdirectory, checksum }).toEqual(
        {
          remote: expected.Remote.replace(/^https:\/\/(?=github\.com\/)/, ""),
          reference: expected.Ref,
          subdirectory: expected.SubDir?.replace(/^\//, ""),
          checksum: expected.Checksum,
        },
      );
    },
  );

  type FragmentRow = { readonly ref: string; readonly expected: string; readonly ok: boolean };
  // How BuildKit names a repository with its reference, in the form with a fragment; what is none stays as it is.
  test.each(referenceTable<FragmentRow>("git-refs/fragment.json").map((row) => [row.ref, row] as const))(
    "as BuildKit names it: %s",
    (text, { expected, ok }) => {
      const named = (): string | undefined => {
        if (!isGitContext(text)) return undefined;
        const { remote, reference } = parseGitReference(text);
        const shown = text.startsWith("github.com/") ? remote.replace("https://", "") : remote;
        return reference === undefined ? shown : `${shown}#${reference}`;
      };
      if (ok) expect(named()).toBe(expected);
      else if (isGitContext(text)) expect(named).toThrow();
    },
  );
});
