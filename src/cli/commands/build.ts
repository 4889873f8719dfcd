import { writeFileSync } from "node:fs";
import type { BuildOptions } from "#client";
import type { JsonMessage } from "#formats";
import { prepareContext } from "../build/context.ts";
import { defineCommand } from "../command.ts";
import { registryConfig } from "../credentials/credentials.ts";
import { extraHostProblem } from "../container-options/checks.ts";
import { parseMap } from "../container-options/key-values.ts";
import { parseUlimits, ulimitProblem } from "../container-options/ulimits.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { recordFailure } from "../output/progress.ts";
import { printableOutput } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { isTerminal } from "../terminal/terminal.ts";

/** `--build-arg NAME=value`; `NAME` alone takes our own variable, or is declared without a value. */
function buildArguments(specs: readonly string[]): Record<string, string | null> {
  const values: Record<string, string | null> = {};
  for (const spec of specs) {
    const equals = spec.indexOf("=");
    if (equals < 0) values[spec] = process.env[spec] ?? null;
    else values[spec.slice(0, equals)] = spec.slice(equals + 1);
  }
  return values;
}

type Progress = "plain" | "tty" | "quiet" | "rawjson";

function chooseProgress(wanted: string, quiet: boolean): Progress {
  if (quiet) return "quiet";
  if (wanted === "auto") return isTerminal(1) && process.env["TERM"] !== "dumb" ? "tty" : "plain";
  if (wanted === "plain" || wanted === "tty" || wanted === "quiet" || wanted === "rawjson") return wanted;
  throw cliErrors["bad-option"](`invalid progress type "${wanted}": it is one of auto, plain, tty, quiet, rawjson`);
}

/** Shows the records of a build; returns the id of the image. */
async function showBuild(records: AsyncIterable<JsonMessage>, progress: Progress): Promise<string> {
  const view = progress === "tty" ? (await import("../build/live-view.ts")).createLiveView() : undefined;
  let imageId = "";
  let held = "";
  let failed = true;
  try {
    for await (const record of records) {
      if (progress === "rawjson") writeText(1, `${JSON.stringify(record)}\n`);
      const failure = recordFailure(record);
      if (failure !== undefined) throw failure;
      const id = (record.aux as { ID?: unknown } | null | undefined)?.ID;
      if (typeof id === "string") imageId = id;
      const text =
        record.stream ??
        (record.status === undefined
          ? ""
          : `${record.id ?? ""}${record.id === undefined ? "" : ": "}${record.status}\n`);
      if (text === "") continue;
      if (view !== undefined) view.write(text);
      else if (progress === "plain") writeText(1, printableOutput(text, isTerminal(1)));
      else if (progress === "quiet") held += text;
    }
    failed = false;
  } finally {
    view?.finish(failed);
    // What a quiet build said is of interest once it has failed.
    if (failed && progress === "quiet") writeText(2, printableOutput(held, isTerminal(2)));
  }
  // An older daemon answers a quiet build with the id as text alone.
  return imageId === "" ? (/^sha256:[0-9a-f]{64}$/m.exec(held)?.[0] ?? "") : imageId;
}

export const command = defineCommand({
  summary: "Build an image from a Dockerfile",
  synopsis: "[OPTIONS] PATH | URL | -",
  aliases: ["image build", "build", "builder build"],
  operands: { min: 1, max: 1 },
  completes: () => "file",
  examples: [
    ["Build the directory's Dockerfile and name the image", "berth build --tag shop:1.0 ."],
    [
      "Another Dockerfile, one stage of it, with an argument",
      "berth build --file ci/Dockerfile --target test --build-arg VERSION=2 .",
    ],
    ["A Dockerfile without a context", "berth build - < Dockerfile"],
  ],
  flags: {
    "add-host": flag.list('Add a custom host-to-IP mapping ("host:ip")', { check: extraHostProblem }),
    "build-arg": flag.list("Set build-time variables"),
    "cache-from": flag.list("Images to consider as cache sources", { typeName: "strings" }),
    "cgroup-parent": flag.string('Set the parent cgroup for the "RUN" instructions during build'),
    "cpu-period": flag.integer("Limit the CPU CFS (Completely Fair Scheduler) period"),
    "cpu-quota": flag.integer("Limit the CPU CFS (Completely Fair Scheduler) quota"),
    "cpu-shares": flag.integer("CPU shares (relative weight)", { short: "c" }),
    "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
    "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
    file: flag.string('Name of the Dockerfile (Default is "PATH/Dockerfile")', { short: "f" }),
    "force-rm": flag.boolean("Always remove intermediate containers"),
    iidfile: flag.string("Write the image ID to the file"),
    label: flag.list("Set metadata for an image"),
    memory: flag.bytes("Memory limit", { short: "m" }),
    "memory-swap": flag.bytes("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
    network: flag.string("Set the networking mode for the RUN instructions during build", { default: "default" }),
    "no-cache": flag.boolean("Do not use cache when building the image"),
    platform: flag.string("Set platform if server is multi-platform capable"),
    pull: flag.boolean("Always attempt to pull a newer version of the image"),
    quiet: flag.boolean("Suppress the build output and print image ID on success", { short: "q" }),
    rm: flag.boolean("Remove intermediate containers after a successful build", { default: true }),
    "security-opt": flag.list("Security options", { typeName: "strings" }),
    "shm-size": flag.bytes('Size of "/dev/shm"'),
    squash: flag.boolean("Squash newly built layers into a single new layer"),
    tag: flag.list('Name and optionally a tag in the "name:tag" format', { short: "t" }),
    target: flag.string("Set the target build stage to build."),
    ulimit: flag.list("Ulimit options", { typeName: "ulimit", shownDefault: "[]", check: ulimitProblem }),
    progress: flag.string("Set type of progress output (auto, plain, tty, quiet, rawjson)", { default: "auto" }),
  },
  async run({ client }, flags, [specifier = ""]) {
    const progress = chooseProgress(flags.progress, flags.quiet);
    const context = await prepareContext(specifier, flags.file);
    const options: BuildOptions = {
      tags: flags.tag,
      dockerfile: context.dockerfile,
      buildArguments: buildArguments(flags["build-arg"]),
      labels: parseMap(flags.label),
      target: flags.target,
      noCache: flags["no-cache"],
      pull: flags.pull,
      quiet: progress === "quiet",
      removeIntermediate: flags.rm,
      forceRemove: flags["force-rm"],
      network: flags.network === "default" ? undefined : flags.network,
      extraHosts: flags["add-host"].map((host) => host.replace("=", ":")),
      cacheFrom: flags["cache-from"],
      platform: flags.platform,
      shmSizeBytes: flags["shm-size"],
      memoryBytes: flags.memory,
      memorySwapBytes: flags["memory-swap"],
      cpuShares: flags["cpu-shares"],
      cpuPeriod: flags["cpu-period"],
      cpuQuota: flags["cpu-quota"],
      cpusetCpus: flags["cpuset-cpus"],
      cpusetMems: flags["cpuset-mems"],
      cgroupParent: flags["cgroup-parent"],
      ulimits: parseUlimits(flags.ulimit),
      securityOptions: flags["security-opt"],
      squash: flags.squash,
      registryConfig: await registryConfig(),
    };
    const imageId = await showBuild(client.build.run(context.tar, options), progress);
    if (flags.iidfile !== "") {
      if (imageId === "")
        throw cliErrors["bad-option"](`server did not provide an image ID. Cannot write ${flags.iidfile}`);
      writeFileSync(flags.iidfile, imageId);
    }
    if (progress === "quiet") writeText(1, `${imageId}\n`);
  },
});
