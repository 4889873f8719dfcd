import type { Route } from "../../src/server/http/route.ts";
import { routes } from "../../src/server/routes/table.ts";

/** What the API description has and Berth does not answer, with the reason. */
export const leftOut: Readonly<Record<string, string>> = {
  "GET /images/{name}/attestations": "came with API 1.55",
};

/** Query parameters likewise: of an endpoint, or of all endpoints that begin so. */
export const parametersLeftOut: readonly (readonly [
  endpoint: string,
  parameters: readonly string[],
  reason: string,
])[] = [
  ["GET /images/json", ["identity"], "came with API 1.56"],
  ["GET /system/df", ["verbose"], "came with API 1.52"],
  ["PUT /volumes/{name}", ["version"], "cluster volumes only"],
  ...["plugins", "nodes", "swarm", "services", "tasks", "secrets", "configs"].flatMap((kind) =>
    ["GET", "POST", "DELETE"].map((method): [string, string[], string] => [
      `${method} /${kind}`,
      ["*"],
      "refused whatever the parameters say",
    ]),
  ),
];

/** Query parameters that are taken and change nothing. */
export const parametersWithoutEffect: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "GET /images/json": { digests: "they are always there, as with Docker" },
  "GET /networks/{id}": { verbose: "what it adds is about a swarm's services" },
  "POST /images/{name}/push": { "all-tags": "a push without a tag is one of all tags, as with Docker" },
};

/** Fields of request bodies likewise. */
export const fieldsLeftOut: Readonly<Record<string, string>> = {
  "POST /containers/{id}/update Init": "Docker ignores it too: an init is part of the first start",
  "POST /volumes/create ClusterVolumeSpec.Group": "cluster volumes only",
  "POST /volumes/create ClusterVolumeSpec.AccessMode": "cluster volumes only",
};

const swarm = "as a daemon outside a swarm";
const states: readonly (readonly [pattern: RegExp, state: string])[] = [
  [/^\w+ \/(?:nodes|services|tasks|secrets|configs|swarm)\b/, swarm],
  [/^PUT \/volumes\//, swarm],
  [/^GET \/plugins$/, "there are none"],
  [/^\w+ \/plugins\b/, "refused: no managed plugins"],
  [/checkpoints/, "as a daemon without experimental features: needs CRIU"],
  [/\/images\/search/, "refused: registries are asked for names, not searched"],
  [/^POST \/build\/cancel/, "a classic build has no id: it ends when its client goes"],
  [/^\w+ \/berth\//, "Berth's own"],
];

/** How a route is called in tables: `GET /containers/{id}/json`. */
export function endpointName({ method, path }: Pick<Route, "method" | "path">): string {
  return `${method} ${path.replaceAll("...}", "}")}`;
}

function row(route: Route): string {
  const name = endpointName(route);
  const state = states.find(([pattern]) => pattern.test(name))?.[1] ?? "full";
  const parameters = Object.entries(route.query ?? {}).map(([parameter, { keys }]) =>
    keys === undefined ? parameter : `${parameter} (${keys.join(", ")})`,
  );
  const since = route.since === undefined ? "" : `1.${route.since}`;
  return `| ${name} | ${since} | ${parameters.join(", ")} | ${state} |`;
}

/** The text of docs/api.md. */
export function endpointsPage(): string {
  const rows = routes
    .toSorted((one, other) =>
      one.path < other.path ? -1 : one.path > other.path ? 1 : one.method < other.method ? -1 : 1,
    )
    .map(row);
  const missing = Object.entries(leftOut).map(([endpoint, reason]) => `- \`${endpoint}\`: ${reason}.`);
  const parameters = parametersLeftOut
    .filter(([, names]) => !names.includes("*"))
    .map(([endpoint, names, reason]) => `- \`${endpoint}\`: \`${names.join("`, `")}\`: ${reason}.`);
  const idle = Object.entries(parametersWithoutEffect).flatMap(([endpoint, names]) =>
    Object.entries(names).map(([name, reason]) => `- \`${endpoint}\`: \`${name}\`: ${reason}.`),
  );
  const fields = Object.entries(fieldsLeftOut).map(([field, reason]) => `- \`${field}\`: ${reason}.`);
  return `# The API, endpoint by endpoint

Made by \`bun scripts/document-endpoints.ts\` from the table of routes (\`src/server/routes/table.ts\`); a test holds it against that table, and the table against
the published description of the API, where that lies beside the checkout. Every endpoint exists with and without a version in its path (\`/v1.24\` to \`/v1.50\`).

The fields of the bodies of requests: [api-fields.md](api-fields.md). *since*: the first version that has it, where that is later than 1.24. *parameters*: those of the query; in brackets the filters it knows.

| endpoint | since | parameters | state |
|---|---|---|---|
${rows.join("\n")}

## Without effect

${idle.join("\n")}

## Left out

${[...missing, ...parameters, ...fields].join("\n")}
`;
}
