import { expect, test } from "bun:test";
import { commandOf, mergeConfig } from "./merge-config.ts";

const image = {
  Entrypoint: ["/entry"],
  Cmd: ["serve"],
  Env: ["PATH=/bin", "A=1"],
  Labels: { a: "1" },
  WorkingDir: "/srv",
};

test.each([
  ["nothing given inherits both", {}, ["/entry", "serve"]],
  ["a command replaces CMD", { Cmd: ["ls"] }, ["/entry", "ls"]],
  ["an entrypoint drops CMD", { Entrypoint: ["/other"] }, ["/other"]],
  ["an entrypoint with a command", { Entrypoint: ["/other"], Cmd: ["x"] }, ["/other", "x"]],
  ["an empty entrypoint with a command", { Entrypoint: [""], Cmd: ["sh"] }, ["sh"]],
])("mergeConfig(): %s", (_, user, words) => {
  const { path, args } = commandOf(mergeConfig(user, image));
  expect([path, ...args]).toEqual(words);
});

test('commandOf() says "no command specified" when entrypoint and CMD are cleared', () => {
  expect(() => commandOf(mergeConfig({ Entrypoint: [""] }, image))).toThrow("no command specified");
});

test("mergeConfig() lets the user's environment win and appends what only the image has", () => {
  expect(mergeConfig({ Env: ["A=2", "B=3"] }, image).Env).toEqual(["A=2", "B=3", "PATH=/bin"]);
});

test("mergeConfig() unites labels and keeps the image's working directory", () => {
  const merged = mergeConfig({ Labels: { b: "2" } }, image);
  expect(merged.Labels).toEqual({ a: "1", b: "2" });
  expect(merged.WorkingDir).toBe("/srv");
});
