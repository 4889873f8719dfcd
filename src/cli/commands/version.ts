import type { VersionResponse } from "#formats";
import { newestApiVersion } from "#client";
import { compileTemplate, toJson } from "#templates";
import { defineCommand } from "../command.ts";
import { printFailure } from "../failure.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { unescapeFormat } from "../output/list.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { berthVersion } from "../version.ts";

function line(name: string, value: string, indent = 1): string {
  if (value === "") return "";
  return `${" ".repeat(indent)}${`${name}:`.padEnd(20 - indent - 1)} ${printable(value)}\n`;
}

function serverText(server: VersionResponse): string {
  let text = "\nServer:\n";
  text += " Engine:\n";
  text += line("Version", server.Version, 2);
  text += line("API version", `${server.ApiVersion} (minimum version ${server.MinAPIVersion})`, 2);
  text += line("Runtime", server.GoVersion, 2);
  text += line("Git commit", server.GitCommit, 2);
  text += line("Built", server.BuildTime, 2);
  text += line("OS/Arch", `${server.Os}/${server.Arch}`, 2);
  text += line("Experimental", String(server.Experimental ?? false), 2);
  for (const { Name, Version, Details } of (server.Components ?? []).filter((each) => each.Name !== "Engine")) {
    text += ` ${printable(Name)}:\n${line("Version", Version, 2)}`;
    if (Details?.["GitCommit"] !== undefined) text += line("GitCommit", Details["GitCommit"], 2);
  }
  return text;
}

/** Docker's templates know this field by its Go name, its JSON by another; only the second is printed with the whole. */
function withGoNames<Document extends { readonly ApiVersion: string }>(document: Document): Document {
  return Object.defineProperty({ ...document }, "APIVersion", { value: document.ApiVersion });
}

export const command = defineCommand({
  summary: "Show the Berth version information",
  synopsis: "[OPTIONS]",
  flags: {
    format: shortDocumentFormatFlag,
  },
  async run({ client }, flags) {
    let server: VersionResponse | undefined;
    let failure: unknown;
    try {
      server = await client.system.version();
    } catch (error) {
      failure = error;
    }
    const apiVersion = server === undefined ? newestApiVersion : await client.transport.apiVersion();
    const document = {
      Client: withGoNames({
        Version: berthVersion,
        ApiVersion: apiVersion,
        DefaultAPIVersion: newestApiVersion,
        GoVersion: `bun ${Bun.version}`,
        Os: process.platform,
        Arch: process.arch === "x64" ? "amd64" : process.arch,
      }),
      Server: server === undefined ? null : withGoNames(server),
    };
    if (flags.format === "json") writeText(1, `${toJson(document)}\n`);
    else if (flags.format !== "") {
      writeText(1, `${compileTemplate(unescapeFormat(flags.format), { escape: printable })(document)}\n`);
    } else {
      const own = document.Client;
      const downgraded = apiVersion === newestApiVersion ? "" : ` (downgraded from ${newestApiVersion})`;
      writeText(
        1,
        `Client:\n${line("Version", own.Version)}${line("API version", apiVersion + downgraded)}${line("Runtime", own.GoVersion)}${line("OS/Arch", `${own.Os}/${own.Arch}`)}${server === undefined ? "" : serverText(server)}`,
      );
    }
    if (failure === undefined) return 0;
    printFailure(failure);
    return 1;
  },
});
