import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, resolve } from "node:path";
import type { BuildRequest } from "#builder";
import { type BuilderFixture, canBuild, openBuilderFixture } from "./builder-fixture.ts";
import { failureOf } from "./failure-of.ts";

/*
 * What BuildKit's own tests say of Dockerfiles (frontend/dockerfile/*_test.go), as cases of a table: a Dockerfile with
 * files, and what is in the image then, or what the error says. One build each, most of them without a RUN.
 */

let fixture: BuilderFixture;
beforeAll(async () => {
  if (canBuild) fixture = await openBuilderFixture();
});
afterAll(() => {
  if (canBuild) fixture.close();
});

type Case = {
  readonly name: string;
  readonly dockerfile: string;
  readonly files?: Readonly<Record<string, string>>;
  readonly options?: Partial<BuildRequest>;
  /** Path → content; "dir a,b" of a folder, "-> x" of a link, undefined of what must not be there. */
  readonly image: Readonly<Record<string, string | undefined>>;
};

/** What is at a path of a root. */
function seen(root: string, path: string): string | undefined {
  const full = join(root, path);
  if (!existsSync(full) && lstatSync(full, { throwIfNoEntry: false }) === undefined) return undefined;
  const status = lstatSync(full);
  if (status.isSymbolicLink()) return `-> ${readlinkSync(full)}`;
  return status.isDirectory() ? `dir ${readdirSync(full).sort().join()}` : readFileSync(full, "utf8");
}

const cases: readonly Case[] = [
  {
    name: "wildcards: files, several into a name, folders flattened, deep parts",
    dockerfile:
      "FROM scratch\nCOPY *.go /gofiles/\nCOPY f*.go foo2.go\nCOPY sub/* /d1/\nCOPY sub/*/dir2/foo /d2/\nCOPY sub/*/dir2/foo /d3/bar\nCOPY sub/dir1/. d4",
    files: { "foo.go": "foo", "bar.go": "bar", "sub/dir1/dir2/foo": "deep" },
    image: {
      gofiles: "dir bar.go,foo.go",
      "foo2.go": "foo",
      "d1/dir2/foo": "deep",
      "d2/foo": "deep",
      "d3/bar": "deep",
      "d4/dir2/foo": "deep",
    },
  },
  {
    name: "an empty destination and a destination of a variable that is empty mean WORKDIR",
    dockerfile: 'FROM scratch\nWORKDIR /w\nENV empty=""\nCOPY a $empty\nCOPY --link b $empty\nCOPY c .',
    files: { a: "1", b: "2", c: "3" },
    image: { w: "dir a,b,c" },
  },
  {
    name: "sources are clamped at the root, brackets are literal when escaped, names may hold anything",
    dockerfile: 'FROM scratch\nCOPY ../../a /x\nCOPY /a /y\nCOPY x[[]y].txt /z\nCOPY ["a b.txt", "tést+%C3", "/s p/"]',
    files: { a: "1", "x[y].txt": "2", "a b.txt": "3", "tést+%C3": "4" },
    image: { x: "1", y: "1", z: "2", "s p": "dir a b.txt,tést+%C3" },
  },
  {
    name: "--parents with patterns before and after the pivot",
    dockerfile:
      "FROM scratch\nCOPY --parents t/a/b*/./c/**/e /one/\nCOPY --parents t/a/b/c*/./d/**/baz t/a/b*/./c/**/bar /two/\nCOPY --parents t/a/./b/./c /three/\nCOPY --parents none*/./x /four/",
    files: { "t/a/b/c/d/e/bay": "1", "t/a/b2/c/d/e/bar": "2", "t/a/b/c2/d/e/baz": "3", "t/a/b/c2/d/e2/baz": "4" },
    image: {
      "one/c/d/e": "dir bar,bay",
      "two/d": "dir e,e2",
      "two/c/d/e": "dir bar",
      three: "dir b",
      "three/b/c/d/e": "dir bay",
    },
  },
  {
    name: "every form of expansion",
    dockerfile:
      'FROM scratch\nENV a="foo/bar/baz" e="" s="x y"\nARG u\nCOPY <<EOF /o\n${a#*/} ${a##*/} ${a%/*} ${a%%/*} ${a/b/X} ${a//b/X} ${u-d} [${e-d}] ${e:-d} ${e+s} [${e:+s}] [${u+s}] ${s} ${u:-${a#*/}} \\$a \'$s\'\nEOF',
    image: {
      o: "bar/baz baz foo/bar foo foo/Xar/baz foo/Xar/Xaz d [] d s [] [] x y bar/baz $a 'x y'\n",
    },
  },
  {
    name: "arguments before FROM, in FROM, quoted, several on a line",
    dockerfile:
      'ARG a1="foo bar" a2=tch\nARG a3="$a2-foo"\nFROM scra${a2} AS b\nARG a3 a4="123 456" a1\nCOPY <<EOF /o\n$a1:$a3:$a4:$a2\nEOF',
    image: { o: "foo bar:tch-foo:123 456:\n" },
  },
  {
    name: "TARGETSTAGE and the platform as arguments, one of them given",
    dockerfile:
      "FROM scratch AS foo\nCOPY <<A /a\n$TARGETSTAGE\nA\nARG TARGETSTAGE TARGETPLATFORM TARGETOS TARGETOSVERSION\nCOPY <<B /b\n$TARGETSTAGE $TARGETPLATFORM $TARGETOS $TARGETOSVERSION\nB\nFROM scratch",
    options: { target: "FOO", platform: "windows(10.0.1)/arm64", buildArgs: { TARGETOS: "freebsd" } },
    image: { a: "\n", b: "foo windows(10.0.1)/arm64 freebsd 10.0.1\n" },
  },
  {
    name: "stages by name in any case, the last of a name, a stage called scratch",
    dockerfile:
      "FROM scratch AS One\nCOPY a /f\nFROM scratch AS one\nCOPY b /f\nFROM scratch AS scratch\nCOPY c /c\nFROM scratch\nCOPY --from=ONE /f /f\nCOPY --from=0 /f /g",
    files: { a: "1", b: "2", c: "3" },
    image: { c: "3", f: "2", g: "1" },
  },
  {
    name: "links: a named one is followed, one in a folder is kept, one in the image is gone through",
    dockerfile:
      "FROM busybox AS t\nRUN mkdir -p /w/d /out/sub && ln -s ../tmp/target /w/link && ln -s /out/sub /sub && echo data > /sub/foo && ln -s foo /sub/l\nFROM scratch\nCOPY --from=t /w/ /\nCOPY a /link/\nCOPY --from=t /sub/foo /sub/l* /s/\nCOPY --from=t /out /o",
    files: { a: "1" },
    image: { "tmp/target/a": "1", link: "-> ../tmp/target", "s/foo": "data\n", "s/l": "data\n", "o/sub/l": "-> foo" },
  },
  {
    name: "triggers run once, in the stage that continues, and see the stages of its Dockerfile",
    dockerfile:
      "FROM busybox AS src\nRUN echo -n 12 > /file\nFROM busybox AS base\nONBUILD COPY --from=src /file /out/foo\nONBUILD RUN echo -n 3 >> /out/foo\nFROM base AS mid\nFROM mid\nRUN cp /out/foo /bar",
    image: { bar: "123" },
  },
  {
    name: "mounts take their type, id and place from variables; a cache without from= begins empty",
    dockerfile:
      "FROM busybox\nENV T=cache ID=behaviours\nARG P=/p\nRUN --mount=type=cache,id=behaviours,target=/x echo -n 1 > /x/f\nRUN --mount=type=$T,id=$ID,target=$P cp /p/f /o; ls /p | wc -l > /n",
    image: { o: "1", n: "1\n", p: undefined, x: undefined },
  },
  {
    name: "two mounts, one within the other, each with its content",
    dockerfile: "FROM busybox\nRUN --mount=source=.,target=/m --mount=source=b,target=/m/in/b,rw cat /m/a /m/in/b > /o",
    files: { a: "A", b: "B", "in/b": "" },
    image: { o: "AB" },
  },
  {
    name: "--exclude: of a folder, of a pattern, with an exception, of everything",
    dockerfile:
      "FROM scratch\nCOPY --exclude=*.txt --exclude=sub --exclude=!keep.txt . /a/\nCOPY --exclude=*/*.png . /b/\nADD --exclude=* d* /c/",
    files: { "x.txt": "1", "keep.txt": "2", y: "3", "sub/z.png": "4", "d1/f": "5" },
    image: { a: "dir Dockerfile,d1,keep.txt,y", "b/sub": "dir ", c: "dir " },
  },
  {
    name: "an empty scratch in place of an image",
    dockerfile: "FROM busybox\nCOPY a /",
    files: { a: "1" },
    options: { namedContexts: new Map([["busybox", { kind: "image", reference: "scratch" }]]) },
    image: { a: "1", bin: undefined },
  },
  {
    name: "WORKDIR of nothing stays where it is",
    dockerfile: "FROM scratch\nWORKDIR /a\nWORKDIR $UNSET\nWORKDIR b$UNSET\nCOPY f .",
    files: { f: "1" },
    image: { "a/b/f": "1" },
  },
];

describe.skipIf(!canBuild)("a build", () => {
  test.each(cases.map((given) => [given.name, given] as const))("%s", async (_name, given) => {
    const { imageId } = await fixture.build(given.dockerfile, given.files, given.options);
    const found = await fixture.inspect(imageId, (root) =>
      Object.fromEntries(Object.keys(given.image).map((path) => [path, seen(root, path)])),
    );
    expect(found).toEqual({ ...given.image });
  });

  test("history: ports, arguments that were declared twice, no triggers", async () => {
    const { image } = await fixture.build(
      "FROM scratch\nARG foo=bar\nARG bar=123\nARG foo=bar2\nEXPOSE 2375 5000 1234/udp\nONBUILD RUN x\nWORKDIR /\nCOPY Dockerfile /x",
    );
    expect(image.config.history?.map((entry) => entry.created_by)).toEqual([
      "ARG foo=bar",
      "ARG bar=123",
      "ARG foo=bar2",
      "EXPOSE [1234/udp 2375/tcp 5000/tcp]",
      "WORKDIR /",
      "COPY Dockerfile /x # buildkit",
    ]);
  });

  test("a download without a name, and one that is not what it should be", async () => {
    using server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("content") });
    const url = `http://127.0.0.1:${server.port}`;
    const { imageId } = await fixture.build(`FROM scratch\nADD ${url}/ /d/\nADD ${url}/x?a=b /e/`);
    expect(await fixture.text(imageId, "d/__unnamed__")).toBe("content");
    expect(await fixture.text(imageId, "e/x")).toBe("content");
    const wrong = `FROM scratch\nADD --checksum=sha256:${"0".repeat(64)} ${url}/x /x`;
    expect(await failureOf(fixture.build(wrong))).toContain("digest mismatch");
  });

  test("what excludes leave out, by the table of BuildKit's test", async () => {
    const path = resolve(
      import.meta.dir,
      "../../../shared/reference/dockerfile-testdata/instructions/exclude-expected.json",
    );
    if (!existsSync(path)) {
      console.log(`the table of excludes is skipped: no ${path}`);
      return;
    }
    type Row = { readonly filename: string; readonly excluded: boolean; readonly expectedContent?: string };
    const rows = (JSON.parse(readFileSync(path, "utf8")) as readonly Row[]).filter(
      // Files behind links: what lies where in that context is not in the table.
      ({ filename }) => !filename.includes("dir4") && !filename.includes("file-4"),
    );
    const files = {
      "dir1/file-101.png": "2",
      "dir1/file-102.txt": "3",
      "dir1/file-103.jpeg": "4",
      "dir2/file-201.pdf": "6",
      "dir2/file-202.jpeg": "7",
      "dir2/file-203.png": "8",
      "dir3/file-301.mp3": "9",
      "dir3/file-302.mpeg": "10",
    };
    const of = (stage: number, instruction: string) =>
      `FROM scratch AS builder${stage}\n${instruction}\nFROM scratch AS part${stage}\nCOPY --from=builder${stage} / /builder${stage}\n`;
    const dockerfile = [
      of(1, "COPY --exclude=*/*.png --exclude=*/*.jpeg dir[123] /1/"),
      of(3, "ADD --exclude=*.mp3 dir3/ /3/"),
      of(4, "COPY --exclude=*.mp3 --exclude=*.jpeg --exclude=*.png --exclude=*.pdf --exclude=*.txt dir* /4/"),
      of(5, "ADD --exclude=*.mp* --exclude=*.jpeg --exclude=*.png --exclude=*.pdf dir* /5"),
    ];
    // The first two copy the whole context.
    dockerfile[0] = of(1, "COPY --exclude=*/*.png --exclude=*/*.jpeg . /1");
    dockerfile.push(of(2, "COPY --exclude=*/*.pdf --exclude=*/*.txt . /2"));
    const last = `FROM scratch\n${[1, 2, 3, 4, 5].map((stage) => `COPY --from=builder${stage} / /builder${stage}`).join("\n")}`;
    const { imageId } = await fixture.build(`${dockerfile.join("")}${last}`, files);
    const found = await fixture.inspect(imageId, (root) =>
      rows.map(({ filename }) => [filename, seen(root, filename)]),
    );
    expect(found).toEqual(rows.map((row) => [row.filename, row.excluded ? undefined : row.expectedContent]));
  });
});

describe.skipIf(!canBuild)("a Dockerfile that is wrong is refused with its line", () => {
  test.each([
    ["#syntax=foobar\nFROM scratch", /Dockerfile:1: the frontend "foobar" is not supported/],
    ["FROM scratch\nRUN --mont=target=/x true", /on line 2: unknown flag: --mont \(did you mean mount\?\)/],
    ["FROM scratch\nRUN --mount=type=tmp true", /unsupported mount type "tmp" \(did you mean tmpfs\?\)/],
    ["FROM scratch\nRUN --mount=typ=tmpfs true", /unexpected key 'typ' in 'typ=tmpfs' \(did you mean type\?\)/],
    ["FROM scratch\nFNTRYPOINT x", /on line 2: unknown instruction: FNTRYPOINT \(did you mean ENTRYPOINT\?\)/],
    ["FORM scratch", /on line 1: unknown instruction: FORM \(did you mean FROM\?\)/],
    [
      "FROM scratch\nCOPY Dockerfil .",
      /failed to compute cache key: failed to calculate checksum of ref [^\s]+ "\/Dockerfil": not found/,
    ],
    ["FROM scratch\nCOPY --parents a/nothing /", /"\/a\/nothing": not found/],
    [
      "FROM scratch AS build\nFROM biuld",
      /Dockerfile:2: biuld: failed to resolve source metadata for .*did you mean build\?/,
    ],
    ["FROM scratch\nCOPY --from=No! / /", /Dockerfile:2: /],
    ["FROM BUSYbox", /Dockerfile:1: failed to parse stage name "BUSYbox": .*must be lowercase/],
    [
      "FROM scratch\nCOPY --chmod=64a f /",
      /invalid chmod parameter: '64a'\. it should be octal string and between 0 and 07777/,
    ],
    [
      "FROM scratch AS a\nCOPY --from=b / /\nFROM scratch AS b\nCOPY --from=a / /",
      /circular dependency detected on stage: b/,
    ],
    ["FROM scratch AS a\nCOPY --from=a / /", /circular dependency detected on stage: a/],
    ['ARG F=${F:?"custom error"}\nFROM scratch', /F: custom error/],
    ["ARG P\nFROM $P", /base name \(\$P\) should not be blank/],
    [
      "FROM scratch\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d f /",
      /checksum requires/,
    ],
  ])("%j", async (dockerfile, message) => {
    expect(await failureOf(fixture.build(dockerfile, { f: "1" }))).toMatch(message);
  });
});

describe.skipIf(!canBuild)("a question", () => {
  const dockerfile = `ARG inherited=tch
ARG unused=x
# sfx is a suffix
ARG sfx="ra\${inherited}"

FROM sc\${sfx} AS first
ARG FOO=123
# BAR is a number
ARG BAR=456
RUN --mount=type=secret,target=/etc/token,required --mount=type=ssh true

# target defines build target
FROM first AS target
COPY --from=other /f /

FROM scratch AS other
`;
  const ask = async (text: string, options: Partial<BuildRequest>) => {
    const { builder, root } = fixture;
    const { plainBuildRequest } = await import("./build-request.ts");
    const result = await builder.build(
      { ...plainBuildRequest, dialect: "buildkit", context: { directory: root }, dockerfileText: text, ...options },
      () => {},
      new AbortController().signal,
    );
    if (result.answer === undefined) throw new Error("no answer");
    return { ...result.answer, document: JSON.parse(result.answer.json) as Record<string, unknown> };
  };

  test("outline: what the target takes, in the order of the Dockerfile", async () => {
    const text = dockerfile.replace("COPY --from=other /f /\n", "");
    const answer = await ask(text, { call: "outline", target: "target", buildArgs: { BAR: "678" } });
    expect(answer.text).toBe(
      "TARGET:      target\nDESCRIPTION: defines build target\n\n" +
        "BUILD ARG   VALUE   DESCRIPTION\ninherited   tch     \nsfx         ratch   is a suffix\nFOO         123     \nBAR         678     is a number\n\n" +
        "SECRET   REQUIRED\ntoken    true\n\nSSH       REQUIRED\ndefault   \n\n",
    );
    expect(answer.document["args"]).toContainEqual({
      name: "BAR",
      description: "is a number",
      value: "678",
      location: { ranges: [{ start: { line: 9 }, end: { line: 9 } }] },
    });
    expect(answer.document["sources"]).toEqual([Buffer.from(text).toString("base64")]);
  });

  test("targets: every stage with its base as written", async () => {
    const { document, text } = await ask(dockerfile, { call: "targets" });
    expect(text).toBe(
      "TARGET          DESCRIPTION\nfirst           \ntarget          defines build target\nother (default) \n",
    );
    expect(document["targets"]).toContainEqual({
      name: "first",
      base: "sc${sfx}",
      location: { ranges: [{ start: { line: 6 }, end: { line: 6 } }] },
    });
  });

  test("check: what was found, and how the Dockerfile cannot be read, in one answer", async () => {
    const { document, status } = await ask("FROM scratch as x\nBADCMD\n", { call: "check" });
    expect(status).toBe(1);
    expect(document["warnings"]).toHaveLength(1);
    expect(document["buildError"]).toMatchObject({
      message: "dockerfile parse error on line 2: unknown instruction: BADCMD",
      location: { ranges: [{ start: { line: 2 } }] },
    });
    expect((await ask("FROM scratch\n", { call: "check" })).status).toBe(0);
  });

  test("describe: which questions there are", async () => {
    const { document } = await ask("FROM scratch", { call: "describe" });
    expect((document as unknown as readonly { Name: string }[]).map(({ Name }) => Name)).toEqual([
      "frontend.outline",
      "frontend.targets",
      "frontend.lint",
      "frontend.subrequests.describe",
    ]);
  });
});
