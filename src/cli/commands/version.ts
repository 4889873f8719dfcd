import type { VersionResponse } from "#formats";
import { newestApiVersion } from "#client";
import { defineCommand } from "../command.ts";
import { currentContext } from "../contexts/current.ts";
import { printFailure } from "../failure.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { berthVersion } from "../version.ts";

function line(name: string, value: string, indent = 1): string {
  return `${" ".repeat(indent)}${`${name}:`.padEnd(20 - indent - 1)} ${printable(value)}\n`;
}

/** docker's own order: what a component says of itself, by name. */
function componentText(name: string, version: string, details: Readonly<Record<string, string>>): string {
  if (name !== "Engine") {
    const lines = Object.keys(details)
      .sort()
      .map((key) => line(printable(key), details[key] ?? "", 2));
    return ` ${printable(name)}:\n${line("Version", version, 2)}${lines.join("")}`;
  }
  const detail = (key: string) => details[key] ?? "";
  return (
    " Engine:\n" +
    line("Version", version, 2) +
    line("API version", `${detail("ApiVersion")} (minimum version ${detail("MinAPIVersion")})`, 2) +
    line("Go version", detail("GoVersion"), 2) +
    line("Git commit", detail("GitCommit"), 2) +
    line("Built", detail("BuildTime"), 2) +
    line("OS/Arch", `${detail("Os")}/${detail("Arch")}`, 2) +
    line("Experimental", detail("Experimental"), 2)
  );
}

function serverText(server: VersionResponse): string {
  const platform = server.Platform?.Name ?? "";
  const components = server.Components ?? [];
  return `\nServer:${platform === "" ? "" : ` ${printable(platform)}`}\n${components
    .map(({ Name, Version, Details }) => componentText(Name, Version, Details ?? {}))
    .join("")}`;
}

/** What the daemon left empty is left out, as Go's types have it. */
function withoutEmpty(server: VersionResponse | undefined): object {
  const optional = new Set(["KernelVersion", "BuildTime"]);
  return Object.fromEntries(
    Object.entries(server ?? {}).filter(([name, value]) => value !== "" || !optional.has(name)),
  );
}

export const command = defineCommand({
  summary: "Show the Berth version information",
  synopsis: "[OPTIONS]",
  examples: [["The daemon's version alone", "berth version --format '{{.Server.Version}}'"]],
  flags: {
    format: shortDocumentFormatFlag,
  },
  async run(context, flags) {
    const { format } = flags;
    const template =
      format === "" || format === "json"
        ? undefined
        : (await import("../formatted-document.ts")).documentTemplate(format, "system.versionInfo", {
            name: "version",
          });
    let server: VersionResponse | undefined;
    let apiVersion: string = newestApiVersion;
    let failure: unknown;
    try {
      server = await context.client.system.version();
      apiVersion = await context.client.transport.apiVersion();
    } catch (error) {
      failure = error;
    }
    const own = {
      Version: berthVersion,
      ApiVersion: apiVersion,
      DefaultAPIVersion: newestApiVersion,
      GitCommit: "",
      GoVersion: `bun ${Bun.version}`,
      Os: process.platform,
      Arch: process.arch === "x64" ? "amd64" : process.arch,
      BuildTime: "",
      Context: currentContext(context.connection).name,
    };
    if (template !== undefined) writeText(1, `${template({ Client: own, Server: withoutEmpty(server) })}\n`);
    else if (format === "json") {
      // What nobody filled in is left out, as docker does.
      const filled = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== ""));
      writeText(1, `${JSON.stringify({ Client: filled, Server: server ?? null })}\n`);
    } else {
      const downgraded = apiVersion === newestApiVersion ? "" : ` (downgraded from ${newestApiVersion})`;
      const client =
        line("Version", own.Version) +
        line("API version", apiVersion + downgraded) +
        line("Runtime", own.GoVersion) +
        line("OS/Arch", `${own.Os}/${own.Arch}`) +
        line("Context", own.Context);
      writeText(1, `Client:\n${client}${server === undefined ? "" : serverText(server)}`);
    }
    if (failure === undefined) return 0;
    printFailure(failure);
    return 1;
  },
});
