import { describe, expect, test } from "bun:test";
import { readPairs } from "./pairs.ts";
import { readOutputs } from "./outputs.ts";
import { createPlainView } from "./progress/plain.ts";
import { isRemote } from "./solve-context.ts";

test("readPairs takes key=value only", () => {
  expect([...readPairs("secret", 'id=a,"src=b,c"')]).toEqual([
    ["id", "a"],
    ["src", "b,c"],
  ]);
  expect(() => readPairs("secret", '"open')).toThrow('for "--secret" flag: parse error on line 1, column 6');
  expect(() => readPairs("secret", "id")).toThrow("key=value");
});

const none = { output: [], push: false, load: false, annotation: [] };

describe("readOutputs", () => {
  test("nothing, --load and --push", () => {
    expect(readOutputs(none)).toEqual([{ type: "image", attributes: {}, place: undefined }]);
    expect(readOutputs({ ...none, load: true })).toHaveLength(1);
    expect(readOutputs({ ...none, push: true })).toEqual([
      { type: "image", attributes: { push: "true" }, place: undefined },
    ]);
    expect(readOutputs({ ...none, output: ["type=oci,dest=/x/y.tar"], push: true }).map(({ type }) => type)).toEqual([
      "oci",
      "registry",
    ]);
  });

  test("places", () => {
    expect(readOutputs({ ...none, output: ["/tmp/no-such-place"] })[0]).toMatchObject({
      type: "local",
      place: { kind: "directory", path: "/tmp/no-such-place" },
    });
    expect(readOutputs({ ...none, output: ["type=tar,dest=/tmp/no-such.tar"] })[0]?.place).toEqual({
      kind: "file",
      path: "/tmp/no-such.tar",
    });
    expect(readOutputs({ ...none, output: ["type=docker"] })[0]).toMatchObject({ type: "image" });
    expect(() => readOutputs({ ...none, output: ["type=local"] })).toThrow("dest is required");
    expect(() => readOutputs({ ...none, output: ["dest=x"] })).toThrow("type is required");
    expect(() => readOutputs({ ...none, output: ["type=image,dest=x"] })).toThrow("dest is not supported");
  });

  test("annotations go to images, by level", () => {
    const annotation = ["k=v", "index,manifest[linux/amd64]:m=w"];
    expect(readOutputs({ ...none, output: ["type=oci,dest=/x/y"], annotation })[0]?.attributes).toEqual({
      "annotation-manifest.k": "v",
      "annotation-index.m": "w",
      "annotation-manifest[linux/amd64].m": "w",
    });
    expect(() => readOutputs({ ...none, annotation: ["nothing"] })).toThrow("invalid annotation");
  });
});

test.each([
  ["https://example.com/a.git#b:c", true],
  ["git@example.com:a/b.git", true],
  ["github.com/a/b", true],
  ["./github.com/a", false],
  ["dir", false],
  ["C:dir", false],
])("isRemote(%j) is %p", (text, remote) => {
  expect(isRemote(text)).toBe(remote);
});

test("the plain view numbers steps, joins broken lines and says how each ended", () => {
  let text = "";
  const view = createPlainView((more) => (text += more));
  const at = (ms: number) => new Date(1_700_000_000_000 + ms).toISOString();
  const log = (vertex: string, data: string) => ({
    logs: [{ vertex, stream: 1 as const, data: Buffer.from(data).toString("base64"), timestamp: at(250) }],
  });
  view.take({ vertexes: [{ digest: "a", name: "[1/2] RUN one", started: at(0) }] });
  view.take(log("a", "hel"));
  view.take(log("a", "lo\nprogress 1\rprogress 2\nrest"));
  view.take({ vertexes: [{ digest: "b", name: "[2/2] COPY", started: at(0), completed: at(1), cached: true }] });
  view.take({ vertexes: [{ digest: "a", name: "[1/2] RUN one", started: at(0), completed: at(1500) }] });
  view.finish(false);
  expect(text).toBe(
    "#1 [1/2] RUN one\n#1 0.250 hello\n#1 0.250 progress 2\n\n#2 [2/2] COPY\n#2 CACHED\n\n#1 [1/2] RUN one\n#1 1.500 rest\n#1 DONE 1.5s\n",
  );
});
