import type { Repositories } from "../repositories/repositories.ts";
import type { Endpoint } from "./parts.ts";

const MAXIMUM_REPOSITORIES = 500;
const MAXIMUM_TAGS = 50;

function escapeHtml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

async function rows(repositories: Repositories, name: string, host: string): Promise<string> {
  const tags = await repositories.tags(name);
  const shown = tags.slice(0, MAXIMUM_TAGS);
  const cells = await Promise.all(
    shown.map(async (tag) => {
      const found = await repositories.findTag(name, tag);
      if (found === undefined) return "";
      const when = new Date(found.setMs).toISOString().slice(0, 16).replace("T", " ");
      return `<tr><td><code>${escapeHtml(`${host}/${name}:${tag}`)}</code></td><td><code>${escapeHtml(
        found.digest.slice(0, 19),
      )}</code></td><td>${when}</td></tr>`;
    }),
  );
  const more = tags.length > shown.length ? `<p>and ${tags.length - shown.length} more tags</p>` : "";
  const table = cells.length === 0 ? "<p>no tags</p>" : `<table>${cells.join("")}</table>`;
  return `<section><h2>${escapeHtml(name)}</h2>${table}${more}</section>`;
}

const style = `body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin:1.6rem 0 .3rem}table{border-collapse:collapse;width:100%}
td{padding:.25rem .8rem .25rem 0;border-top:1px solid #dde3e8}td:last-child{color:#5b6b7a;white-space:nowrap}
@media(prefers-color-scheme:dark){body{background:#10161c;color:#dbe4ec}td{border-color:#2a3641}}`;

/** `/`: repositories and tags for people. No scripts, and nothing in it but escaped names. */
export const listingEndpoint: Endpoint = {
  GET: async ({ parts, principal, url }) => {
    const all = (await parts.repositories.list()).filter((name) => principal.can("pull", name));
    const wanted = url.searchParams.get("q") ?? "";
    const names = wanted === "" ? all : all.filter((name) => name.includes(wanted));
    const sections: string[] = [];
    for (const name of names.slice(0, MAXIMUM_REPOSITORIES))
      sections.push(await rows(parts.repositories, name, url.host));
    const more = names.length > MAXIMUM_REPOSITORIES ? `<p>and ${names.length - MAXIMUM_REPOSITORIES} more</p>` : "";
    const body = `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Registry</title><style>${style}</style><h1>${names.length} ${names.length === 1 ? "repository" : "repositories"}</h1>
<form><input name="q" value="${escapeHtml(wanted)}" placeholder="Part of a name"> <button>Search</button></form>
${sections.join("\n")}${more}</html>`;
    return new Response(body, {
      headers: {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy":
          "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
      },
    });
  },
};
