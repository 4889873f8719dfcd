import { expect, test } from "bun:test";
import { parseChallenges } from "./challenge.ts";

const parsed = (header: string | undefined) =>
  parseChallenges(header).map(({ scheme, parameters }) => [scheme, Object.fromEntries(parameters)] as const);

test("parseChallenges() reads what registries send", () => {
  expect(parsed('Bearer realm="https://auth.example/token",service="a, b",scope="repository:x:pull,push"')).toEqual([
    ["bearer", { realm: "https://auth.example/token", service: "a, b", scope: "repository:x:pull,push" }],
  ]);
  expect(parsed('Basic realm="x", Bearer realm="y"')).toEqual([
    ["basic", { realm: "x" }],
    ["bearer", { realm: "y" }],
  ]);
  expect(parsed('Negotiate, Basic realm = "a \\"quoted\\" one"')).toEqual([
    ["negotiate", {}],
    ["basic", { realm: 'a "quoted" one' }],
  ]);
});

test.each([undefined, "", ",,,", "=", '"', 'Bearer realm="', "Bearer =", "x".repeat(100_000), '\\"\\"'])(
  "parseChallenges(%p) ends",
  (header) => expect(Array.isArray(parseChallenges(header))).toBe(true),
);
