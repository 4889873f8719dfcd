import { describe, expect, test } from "bun:test";
import { pusher } from "../../export/push.ts";
import { checkLocation, openPlace, type OpenRepository } from "./locations.ts";

describe("registry.insecure", () => {
  /** What a repository is opened with; it is not opened. */
  const asked = async (work: (open: OpenRepository) => Promise<unknown>) => {
    const seen: unknown[] = [];
    const open: OpenRepository = async (name, access, _credentials, options) => {
      seen.push([name, access, options]);
      throw new Error("far enough");
    };
    await work(open).catch(() => {
      // Far enough.
    });
    return seen;
  };
  const location = (insecure: string) =>
    ({ type: "registry", attributes: { ref: "reg.example/cache", "registry.insecure": insecure } }) as const;
  const place = (insecure: string, direction: "import" | "export") =>
    asked((repository) =>
      openPlace(
        { repository, caBundle: undefined, credentials: () => Promise.resolve(undefined) },
        location(insecure),
        direction,
      ),
    );

  test("opens caches so, to read and to write", async () => {
    expect(await place("true", "import")).toEqual([["reg.example/cache", "pull", { insecure: true }]]);
    expect(await place("1", "export")).toEqual([["reg.example/cache", "push", { insecure: true }]]);
    expect(await place("false", "export")).toEqual([["reg.example/cache", "push", {}]]);
  });

  test("is yes or no", () => {
    expect(() => checkLocation(location("perhaps"), "export")).toThrow("registry.insecure=perhaps");
  });

  test("pushes images so", async () => {
    const push = (insecure: boolean) =>
      asked((open) =>
        pusher(open, () => Promise.resolve(undefined))(
          { familiar: "reg.example/app", canonical: "reg.example/app:1" },
          {} as Parameters<ReturnType<typeof pusher>>[1],
          { byDigest: false, insecure },
          () => {},
          new AbortController().signal,
        ),
      );
    expect(await push(true)).toEqual([["reg.example/app", "push", { insecure: true }]]);
    expect(await push(false)).toEqual([["reg.example/app", "push", {}]]);
  });
});
