import { humanBinarySize } from "#base";
import { newestApiVersion } from "#client";
import type { InfoResponse } from "#formats";
import { defineCommand } from "../command.ts";
import { currentContext } from "../contexts/current.ts";
import { printFailure } from "../failure.ts";
import { shortDocumentFormatFlag } from "../flags/format-flag.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { type Plugin, pluginDocument } from "../plugins/plugin-metadata.ts";
import { berthVersion } from "../version.ts";

/** Newer fields that not every daemon answers. */
type Info = InfoResponse & {
  readonly CDISpecDirs?: readonly string[] | null;
  readonly DefaultAddressPools?: readonly { Base: string; Size: number }[] | null;
  readonly FirewallBackend?: { Driver: string; Info?: readonly [string, string][] | null } | null;
};

type Line = string | false | undefined;

/** `name: value`, or nothing when there is no value. */
function pair(name: string, value: string | number | boolean | undefined | null, indent = 1): Line {
  return value === undefined || value === null || value === ""
    ? false
    : `${" ".repeat(indent)}${name}: ${String(value)}`;
}

function securityOption(text: string): string[] {
  const [first = "", ...rest] = text.split(",");
  const name = first.replace(/^name=/, "");
  return [
    `  ${name}`,
    ...rest.filter((each) => each.startsWith("profile=")).map((each) => `   Profile: ${each.slice(8)}`),
  ];
}

function swarmLines(info: InfoResponse): Line[] {
  return [pair("Swarm", info.Swarm?.LocalNodeState ?? "inactive")];
}

function registryLines(info: InfoResponse): Line[] {
  const config = info.RegistryConfig;
  const insecure = [
    ...Object.values(config?.IndexConfigs ?? {})
      .filter(({ Secure }) => !Secure)
      .map(({ Name }) => Name),
    ...(config?.InsecureRegistryCIDRs ?? []),
  ];
  const mirrors = config?.Mirrors ?? [];
  return [
    insecure.length > 0 && " Insecure Registries:",
    ...insecure.map((each) => `  ${each}`),
    mirrors.length > 0 && " Registry Mirrors:",
    ...mirrors.map((each) => `  ${each}`),
  ];
}

/** The lines of docker's own `info`, in its order. */
function serverLines(info: Info): Line[] {
  const { Plugins: plugins } = info;
  const specDirectories = info.CDISpecDirs ?? [];
  const labels = info.Labels ?? [];
  const pools = info.DefaultAddressPools ?? [];
  const firewall = info.FirewallBackend;
  return [
    "Server:",
    pair("Containers", info.Containers),
    pair("Running", info.ContainersRunning, 2),
    pair("Paused", info.ContainersPaused, 2),
    pair("Stopped", info.ContainersStopped, 2),
    pair("Images", info.Images),
    pair("Server Version", info.ServerVersion),
    pair("Storage Driver", info.Driver),
    ...(info.DriverStatus ?? []).map(([name, value]) => pair(name, value, 2)),
    pair("Logging Driver", info.LoggingDriver),
    pair("Cgroup Driver", info.CgroupDriver),
    pair("Cgroup Version", info.CgroupVersion),
    " Plugins:",
    `  Volume: ${(plugins.Volume ?? []).join(" ")}`,
    `  Network: ${(plugins.Network ?? []).join(" ")}`,
    pair("Authorization", (plugins.Authorization ?? []).join(" "), 2),
    `  Log: ${(plugins.Log ?? []).join(" ")}`,
    specDirectories.length > 0 && " CDI spec directories:",
    ...specDirectories.map((directory) => `  ${directory}`),
    ...swarmLines(info),
    pair(
      "Runtimes",
      Object.keys(info.Runtimes ?? {})
        .sort()
        .join(" "),
    ),
    pair("Default Runtime", info.DefaultRuntime),
    ` Init Binary: ${info.InitBinary ?? ""}`,
    ` containerd version: ${info.ContainerdCommit?.ID ?? ""}`,
    ` runc version: ${info.RuncCommit?.ID ?? ""}`,
    ` init version: ${info.InitCommit?.ID ?? ""}`,
    (info.SecurityOptions ?? []).length > 0 && " Security Options:",
    ...(info.SecurityOptions ?? []).flatMap(securityOption),
    pair("Kernel Version", info.KernelVersion),
    pair("Operating System", info.OperatingSystem),
    pair("OSType", info.OSType),
    pair("Architecture", info.Architecture),
    pair("CPUs", info.NCPU),
    pair("Total Memory", humanBinarySize(info.MemTotal)),
    pair("Name", info.Name),
    pair("ID", info.ID),
    pair("Docker Root Dir", info.DockerRootDir),
    pair("Debug Mode", info.Debug),
    ...(info.Debug
      ? [
          pair("File Descriptors", info.NFd, 2),
          pair("Goroutines", info.NGoroutines, 2),
          pair("System Time", info.SystemTime, 2),
          pair("EventsListeners", info.NEventsListener, 2),
        ]
      : []),
    pair("HTTP Proxy", info.HttpProxy),
    pair("HTTPS Proxy", info.HttpsProxy),
    pair("No Proxy", info.NoProxy),
    labels.length > 0 && " Labels:",
    ...labels.map((label) => `  ${label}`),
    pair("Experimental", info.ExperimentalBuild),
    ...registryLines(info),
    pair("Live Restore Enabled", info.LiveRestoreEnabled),
    pools.length > 0 && " Default Address Pools:",
    ...pools.map(({ Base, Size }) => `   Base: ${Base}, Size: ${Size}`),
    pair("Firewall Backend", firewall?.Driver),
    ...(firewall?.Info ?? []).map(([name, value]) => pair(name, value, 2)),
    "",
  ];
}

/** The formats that show plugins; asking them costs a process each. */
const isAboutPlugins = /^(?:|json)$|ClientInfo|\{\{-?\s*(?:json\s+)?\.\s*-?\}\}/;

async function describePlugins(): Promise<readonly Plugin[]> {
  const [{ findPlugins }, { describePlugin }] = await Promise.all([
    import("../plugins/find-plugins.ts"),
    import("../plugins/plugin-metadata.ts"),
  ]);
  return Promise.all(findPlugins().map(describePlugin));
}

/** As docker lists its plugins below the client. */
function pluginLines(plugins: readonly Plugin[]): Line[] {
  const valid = plugins.filter(({ metadata }) => metadata !== undefined);
  return [
    valid.length > 0 && " Plugins:",
    ...valid.flatMap(({ name, path, metadata }) => [
      `  ${name}: ${metadata?.ShortDescription ?? ""} (${metadata?.Vendor ?? ""})`,
      metadata?.Version !== undefined && `    Version:  ${metadata.Version}`,
      `    Path:     ${path}`,
    ]),
  ];
}

export const command = defineCommand({
  summary: "Display system-wide information",
  synopsis: "[OPTIONS]",
  aliases: ["system info", "info"],
  examples: [["Which runtime starts the containers", "berth info --format '{{.DefaultRuntime}}'"]],
  flags: {
    format: shortDocumentFormatFlag,
  },
  async run(context, flags) {
    const { format } = flags;
    const template =
      format === "" || format === "json"
        ? undefined
        : (await import("../formatted-document.ts")).documentTemplate(format, "system.dockerInfo");
    let info: InfoResponse | undefined;
    let failure: unknown;
    try {
      info = await context.client.system.info();
    } catch (error) {
      failure = error;
    }
    const plugins = isAboutPlugins.test(format) ? await describePlugins() : [];
    const ClientInfo = {
      Debug: process.env["BERTH_DEBUG"] === "1",
      Version: berthVersion,
      DefaultAPIVersion: newestApiVersion,
      GoVersion: `bun ${Bun.version}`,
      Os: process.platform,
      Arch: process.arch === "x64" ? "amd64" : process.arch,
      Context: currentContext(context.connection).name,
      Plugins: plugins.map(pluginDocument),
      Warnings: null,
    };
    if (format === "json") writeText(1, `${JSON.stringify({ ...info, ClientInfo })}\n`);
    else if (template !== undefined) writeText(1, `${template({ ...info, ClientInfo })}\n`);
    else {
      const lines = [
        "Client:",
        ` Version:    ${ClientInfo.Version}`,
        ` Context:    ${ClientInfo.Context}`,
        ` Debug Mode: ${ClientInfo.Debug}`,
        ...pluginLines(plugins),
        "",
        ...(info === undefined ? ["Server:"] : serverLines(info)),
      ];
      const shown = lines.filter((line) => typeof line === "string").map(printable);
      writeText(1, `${shown.join("\n")}\n`);
      for (const { path, problem } of plugins)
        if (problem !== undefined)
          writeText(2, `WARNING: Plugin "${printable(path)}" is not valid: ${printable(problem)}\n`);
      for (const warning of info?.Warnings ?? []) writeText(2, `${printable(warning)}\n`);
    }
    if (failure === undefined) return 0;
    printFailure(failure);
    return 1;
  },
});
