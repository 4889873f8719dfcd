import { afterAll, expect, test } from "bun:test";
import { createRegistryClient } from "./client.ts";

const client = createRegistryClient({
  insecureRegistries: [],
  mirrors: [],
  certificateDirectories: [],
  userAgent: "test",
  attempts: 1,
});
afterAll(() => client.close());

/** A registry that answers these paths; everything else is a page for people. */
function registryWith(answers: Readonly<Record<string, () => Response>>) {
  const asked: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request) => {
      const { pathname, search } = new URL(request.url);
      asked.push(`${pathname}${search}`);
      return answers[pathname]?.() ?? new Response("<html>not here</html>", { status: 404 });
    },
  });
  return { host: `127.0.0.1:${server.port}`, asked, stop: () => server.stop(true) };
}

const search = (term: string, limit = 25) => client.search({ term, limit, credentials: {} });

test("search() asks Docker's search, and makes what it says harmless", async () => {
  const registry = registryWith({
    "/v1/search": () =>
      Response.json({
        results: [
          { name: "team/shop", description: "sells\u001b[31m things", star_count: 7, is_official: true },
          { name: "team/shop2", description: null },
          { name: "team/shop3" },
        ],
      }),
  });
  expect(await search(`${registry.host}/shop`, 2)).toEqual([
    {
      name: `${registry.host}/team/shop`,
      description: "sells [31m things",
      stars: 7,
      isOfficial: true,
      isAutomated: false,
    },
    { name: `${registry.host}/team/shop2`, description: "", stars: 0, isOfficial: false, isAutomated: false },
  ]);
  expect(registry.asked).toEqual(["/v1/search?q=shop&n=2"]);
  await registry.stop();
});

test("search() reads the list of repositories where there is no search, page by page", async () => {
  let page = 0;
  const registry = registryWith({
    "/v1/search": () => new Response("<html>a page of ours</html>"),
    "/v2/_catalog": () =>
      page++ === 0
        ? Response.json({ repositories: ["a/shop", "b"] }, { headers: { link: '</v2/_catalog?last=b>; rel="next"' } })
        : Response.json({ repositories: ["shop"] }),
  });
  const found = await search(`${registry.host}/Shop`);
  expect(found.map(({ name }) => name)).toEqual([`${registry.host}/a/shop`, `${registry.host}/shop`]);
  await registry.stop();
});

test("search() says when a registry offers neither", async () => {
  const registry = registryWith({});
  expect(search(`${registry.host}/shop`)).rejects.toThrow("cannot be searched, and does not list its repositories");
  await registry.stop();
});

test("search() hands on what the connection says", async () => {
  const registry = registryWith({});
  await registry.stop();
  expect(search(`${registry.host}/shop`)).rejects.toThrow("connection refused");
});
