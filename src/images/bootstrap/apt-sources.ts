import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** One archive of the host's apt sources. */
export type AptSource = {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
  /** Path of the keyring, when the source names one. */
  readonly signedBy: string | undefined;
};

function words(text: string | undefined): string[] {
  return (text ?? "").split(/\s+/).filter((word) => word !== "");
}

/** Parses a one-line-style file (sources.list(5)). */
export function parseSourceLines(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)((?:\s+[^\s#]+)*)/.exec(line);
    if (match === null) return [];
    const [, options = "", uri = "", suite = "", components = ""] = match;
    const signedBy = /signed-by=(\S+)/.exec(options)?.[1];
    return [{ uri, suites: [suite], components: words(components), signedBy }];
  });
}

/** Parses a deb822-style file (sources.list(5), "DEB822-STYLE FORMAT"). */
export function parseSourceStanzas(text: string): AptSource[] {
  const lines = text.split("\n").filter((line) => !line.startsWith("#"));
  return lines
    .join("\n")
    .split(/\n\s*\n/)
    .flatMap((stanza) => {
      const fields = new Map<string, string>();
      for (const [, key = "", value = ""] of stanza.matchAll(/^([A-Za-z-]+):((?:.*)(?:\n[ \t].*)*)/gm)) {
        fields.set(key.toLowerCase(), value.trim());
      }
      if (!words(fields.get("types")).includes("deb") || fields.get("enabled")?.toLowerCase() === "no") return [];
      const signedBy = fields.get("signed-by");
      return words(fields.get("uris")).map((uri) => ({
        uri,
        suites: words(fields.get("suites")),
        components: words(fields.get("components")),
        // An embedded key cannot be named by path; apt's own trust applies then.
        signedBy: signedBy?.startsWith("/") === true && !/\s/.test(signedBy) ? signedBy : undefined,
      }));
    });
}

/** The host's sources: sources.list and sources.list.d, both styles. */
export function readHostSources(directory = "/etc/apt"): AptSource[] {
  const sources: AptSource[] = [];
  const main = join(directory, "sources.list");
  if (existsSync(main)) sources.push(...parseSourceLines(readFileSync(main, "utf8")));
  const parts = join(directory, "sources.list.d");
  for (const name of existsSync(parts) ? readdirSync(parts).sort() : []) {
    const text = () => readFileSync(join(parts, name), "utf8");
    if (name.endsWith(".list")) sources.push(...parseSourceLines(text()));
    else if (name.endsWith(".sources")) sources.push(...parseSourceStanzas(text()));
  }
  return sources;
}

/** Suites that have no -updates and -security beside them. */
const rolling = new Set(["sid", "unstable", "experimental"]);

/** The suite a source serves, without what is appended to it: "bookworm-security" → "bookworm". */
function baseSuite(suite: string): string {
  return suite.replace(/(-(updates|security|backports|proposed-updates|proposed)|\/updates)$/, "");
}

/** The archive's kind by its path: only the distribution's own archives make a base image. */
function archiveOf(source: AptSource): "main" | "security" | undefined {
  const path = source.uri.replace(/\/+$/, "");
  if (path.endsWith("/debian-security")) return "security";
  if (/\/(debian|ubuntu|ubuntu-ports)$/.test(path)) return "main";
  return undefined;
}

/** The suite the host itself is made of; undefined when its sources name none. */
export function hostSuite(sources: readonly AptSource[]): string | undefined {
  const source = sources.find((candidate) => archiveOf(candidate) === "main");
  const suite = source?.suites[0];
  return suite === undefined ? undefined : baseSuite(suite);
}

/** One-line sources for a suite of a distribution, from the host's mirrors; undefined when the host has no mirror of it. */
export function sourcesForSuite(
  sources: readonly AptSource[],
  distribution: "debian" | "ubuntu",
  suite: string,
): string | undefined {
  const own = sources.filter(
    (source) => source.uri.replace(/\/+$/, "").includes(`/${distribution}`) && archiveOf(source) !== undefined,
  );
  const lines = new Set<string>();
  for (const source of own) {
    for (const listed of source.suites) {
      const appendix = listed.slice(baseSuite(listed).length);
      if (appendix !== "" && (rolling.has(suite) || !/^-(updates|security)$/.test(appendix))) continue;
      const signed =
        source.signedBy === undefined || !existsSync(source.signedBy) ? "" : `[signed-by=${source.signedBy}] `;
      lines.add(`deb ${signed}${source.uri} ${suite}${appendix} ${source.components.join(" ")}`);
    }
  }
  return lines.size === 0 ? undefined : `${[...lines].join("\n")}\n`;
}
