import { writeFileSync } from "node:fs";
import { EngineError } from "#base";
import { openAgents } from "../build/agents.ts";
import { withAbsolutePaths } from "../build/cache-directories.ts";
import { type Call, readCall } from "../build/call.ts";
import { readPairs } from "../build/pairs.ts";
import { readOutputs } from "../build/outputs.ts";
import { createView, type ProgressKind } from "../build/progress/view.ts";
import { buildFailure, explain, showAnswer, writeMetadata } from "../build/report.ts";
import { readSecrets } from "../build/secrets.ts";
import { solve, type SolveWords } from "../build/solve.ts";
import { type CommandContext, defineCommand } from "../command.ts";
import { withProxies } from "../configuration/proxies.ts";
import { extraHostProblem } from "../container-options/checks.ts";
import { parseMap } from "../container-options/key-values.ts";
import { parseUlimits, ulimitProblem } from "../container-options/ulimits.ts";
import { registryConfig } from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";
import { flag, type FlagValues } from "../flags/flag.ts";
import { writeText } from "../output/write.ts";
import { isTerminal } from "../terminal/terminal.ts";
import { requireBuilder } from "../build/builder-name.ts";

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

function chooseProgress(wanted: string, isQuiet: boolean): ProgressKind {
  if (isQuiet) return "quiet";
  if (wanted === "auto" || wanted === "") {
    const fromEnvironment = process.env["BUILDKIT_PROGRESS"] ?? "";
    if (fromEnvironment !== "" && fromEnvironment !== "auto") return chooseProgress(fromEnvironment, false);
    return isTerminal(2) && process.env["TERM"] !== "dumb" ? "tty" : "plain";
  }
  if (wanted === "plain" || wanted === "tty" || wanted === "quiet" || wanted === "rawjson") return wanted;
  throw cliErrors["bad-option"](`invalid progress type "${wanted}": it is one of auto, plain, tty, quiet, rawjson`);
}

const flags = {
  "add-host": flag.list('Add a custom host-to-IP mapping ("host:ip")', { check: extraHostProblem }),
  allow: flag.list('Allow extra privileged entitlement (e.g., "network.host", "security.insecure", "device")'),
  annotation: flag.list("Add annotation to the image"),
  attest: flag.list('Attestation parameters (format: "type=sbom,generator=image")'),
  "build-arg": flag.list("Set build-time variables"),
  "build-context": flag.list("Additional build contexts (e.g., name=path)"),
  builder: flag.string("Override the configured builder instance"),
  "cache-from": flag.list('External cache sources (e.g., "user/app:cache", "type=local,src=path/to/dir")'),
  "cache-to": flag.list('Cache export destinations (e.g., "user/app:cache", "type=local,dest=path/to/dir")'),
  call: flag.string('Set method for evaluating build ("check", "outline", "targets")', { default: "build" }),
  "cgroup-parent": flag.string('Set the parent cgroup for the "RUN" instructions during build'),
  check: flag.boolean('Shorthand for "--call=check"'),
  compress: flag.boolean("Compress the build context using gzip", { hidden: true }),
  "disable-content-trust": flag.boolean("Skip image verification", { default: true, hidden: true }),
  "cpu-period": flag.integer("Limit the CPU CFS (Completely Fair Scheduler) period"),
  "cpu-quota": flag.integer("Limit the CPU CFS (Completely Fair Scheduler) quota"),
  "cpu-shares": flag.integer("CPU shares (relative weight)", { short: "c" }),
  cpus: flag.decimal("Number of CPUs that all steps together may use"),
  "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
  "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
  debug: flag.boolean("Open a shell in the state of a step that failed", { short: "D" }),
  explain: flag.boolean("Say for each step whether the cache had it, and why not"),
  file: flag.string('Name of the Dockerfile (default: "PATH/Dockerfile")', { short: "f" }),
  "force-rm": flag.boolean("Always remove intermediate containers", { hidden: true }),
  iidfile: flag.string("Write the image ID to a file"),
  isolation: flag.string("Container isolation technology", { hidden: true }),
  label: flag.list("Set metadata for an image"),
  load: flag.boolean('Shorthand for "--output=type=docker"'),
  memory: flag.bytes("Memory limit of all steps together", { short: "m" }),
  "memory-swap": flag.bytes("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
  "metadata-file": flag.string("Write build result metadata to a file"),
  network: flag.string('Set the networking mode for the "RUN" instructions during build', { default: "default" }),
  "no-cache": flag.boolean("Do not use cache when building the image"),
  "no-cache-filter": flag.list("Do not cache specified stages"),
  output: flag.list('Output destination (format: "type=local,dest=path")', { short: "o" }),
  platform: flag.list("Set target platform for build"),
  policy: flag.list("Policy configuration", { hidden: true }),
  print: flag.string("Print result of information request", { hidden: true }),
  progress: flag.string(
    'Set type of progress output ("auto", "none", "plain", "quiet", "rawjson", "tty"). Use plain to show container output',
    { default: "auto" },
  ),
  provenance: flag.optionalString('Shorthand for "--attest=type=provenance"'),
  pull: flag.boolean("Always attempt to pull all referenced images"),
  push: flag.boolean('Shorthand for "--output=type=registry" that also keeps the image'),
  quiet: flag.boolean("Suppress the build output and print image ID on success", { short: "q" }),
  resource: flag.list('Limit of all steps together (e.g., "memory=1g", "cpu-quota=50000")'),
  rm: flag.boolean("Remove intermediate containers after a successful build", { default: true, hidden: true }),
  sbom: flag.optionalString('Shorthand for "--attest=type=sbom"'),
  secret: flag.list('Secret to expose to the build (format: "id=mysecret[,src=/local/secret]")'),
  "security-opt": flag.list("Security options", { typeName: "strings", hidden: true }),
  "shm-size": flag.bytes('Shared memory size for build containers ("/dev/shm")'),
  squash: flag.boolean("Squash newly built layers into a single new layer", { hidden: true }),
  ssh: flag.list('SSH agent socket or keys to expose to the build (format: "default|<id>[=<socket>|<key>[,<key>]]")'),
  tag: flag.list('Image identifier (format: "[registry/]repository[:tag]")', { short: "t" }),
  target: flag.string("Set the target build stage to build"),
  ulimit: flag.list("Ulimit options", { typeName: "ulimit", shownDefault: "[]", check: ulimitProblem }),
};

type BuildFlags = FlagValues<typeof flags>;

/** What only Berth's daemon does, so that a build on another one cannot ignore it. */
function beyondClassic(given: BuildFlags): string | undefined {
  const lists = {
    allow: given.allow,
    annotation: given.annotation,
    attest: given.attest,
    "build-context": given["build-context"],
    "cache-to": given["cache-to"],
    "no-cache-filter": given["no-cache-filter"],
    output: given.output,
    resource: given.resource,
    secret: given.secret,
    ssh: given.ssh,
  };
  const list = Object.entries(lists).find(([, values]) => values.length > 0)?.[0];
  if (list !== undefined) return list;
  if (given.platform.length > 1) return "platform";
  if (given.check) return "check";
  if (given.call !== "build" || given.print !== "") return "call";
  if (given.push) return "push";
  if (given.debug) return "debug";
  if (given.explain) return "explain";
  if (given["metadata-file"] !== "") return "metadata-file";
  if (given.provenance !== undefined) return "provenance";
  if (given.sbom !== undefined) return "sbom";
  return given.cpus === undefined ? undefined : "cpus";
}

/** A cache as `--cache-from` and `--cache-to` name it: an image, or `type=…,…`. */
function cacheChoice(flagName: string, spec: string) {
  if (!spec.includes("=")) return { type: "registry", attributes: { ref: spec } };
  const pairs = readPairs(flagName, spec);
  const type = pairs.get("type");
  if (type === undefined) throw cliErrors["bad-option"](`type is required for --${flagName}: ${spec}`);
  pairs.delete("type");
  return { type, attributes: { ...credentialsFromEnvironment(type), ...Object.fromEntries(pairs) } };
}

/** What clouds' own tools and runners keep in the environment: it is the client's, the daemon has another. */
function credentialsFromEnvironment(type: string): Record<string, string> {
  const names: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    s3: {
      access_key_id: "AWS_ACCESS_KEY_ID",
      secret_access_key: "AWS_SECRET_ACCESS_KEY",
      session_token: "AWS_SESSION_TOKEN",
      region: "AWS_REGION",
    },
    azblob: { account_url: "BUILDKIT_AZURE_STORAGE_ACCOUNT_URL" },
    gha: { url_v2: "ACTIONS_RESULTS_URL", token: "ACTIONS_RUNTIME_TOKEN" },
  };
  return Object.fromEntries(
    Object.entries(names[type] ?? {}).flatMap(([attribute, variable]) => {
      const value = process.env[variable];
      return value === undefined || value === "" ? [] : [[attribute, value]];
    }),
  );
}

/** `--attest`, `--sbom`, `--provenance` as the front end's options. */
function attestations(given: BuildFlags): Record<string, string> {
  const options: Record<string, string> = {};
  for (const spec of given.attest) {
    const pairs = readPairs("attest", spec);
    const type = pairs.get("type");
    if (type !== "sbom" && type !== "provenance") {
      throw cliErrors["bad-option"](`invalid attestation ${JSON.stringify(spec)}: type is one of sbom and provenance`);
    }
    pairs.delete("type");
    options[`attest:${type}`] = [...pairs].map(([name, value]) => `${name}=${value}`).join(",");
  }
  const short = (name: "sbom" | "provenance", value: string | undefined) => {
    if (value === undefined || value === "false" || value === "0") return;
    options[`attest:${name}`] = value === "true" || value === "1" || value === "" ? "" : value;
  };
  short("sbom", given.sbom);
  short("provenance", given.provenance);
  return options;
}

/** `--resource memory=1g,…`: the same limits by their other names. */
function resources(given: BuildFlags): Record<string, string> {
  const limits: Record<string, string> = {};
  const set = (name: string, value: string | number | undefined) => {
    if (value !== undefined && value !== "") limits[name] = String(value);
  };
  for (const spec of given.resource) {
    for (const [name, value] of readPairs("resource", spec)) {
      const known: Readonly<Record<string, string>> = {
        memory: "memory",
        "memory-swap": "memswap",
        "cpu-shares": "cpu-shares",
        "cpu-period": "cpu-period",
        "cpu-quota": "cpu-quota",
        "cpuset-cpus": "cpusetcpus",
        "cpuset-mems": "cpusetmems",
      };
      const attribute = Object.hasOwn(known, name) ? known[name] : undefined;
      if (attribute === undefined) {
        throw cliErrors["bad-option"](`unknown resource ${name}: known are ${Object.keys(known).join(", ")}`);
      }
      set(attribute, value);
    }
  }
  set("memory", given.memory);
  set("memswap", given["memory-swap"]);
  set("cpu-shares", given["cpu-shares"]);
  set("cpu-period", given["cpu-period"] ?? (given.cpus === undefined ? undefined : 100_000));
  set("cpu-quota", given["cpu-quota"] ?? (given.cpus === undefined ? undefined : Math.round(given.cpus / 10_000)));
  set("cpusetcpus", given["cpuset-cpus"]);
  set("cpusetmems", given["cpuset-mems"]);
  return limits;
}

function wordsOf(given: BuildFlags, call: Call | undefined): SolveWords {
  const attributes: Record<string, string> = { ...attestations(given), ...resources(given) };
  const set = (name: string, value: string | undefined) => {
    if (value !== undefined && value !== "") attributes[name] = value;
  };
  for (const [name, value] of Object.entries(buildArguments(given["build-arg"]))) {
    if (value !== null) attributes[`build-arg:${name}`] = value;
  }
  if (process.env["SOURCE_DATE_EPOCH"] !== undefined) {
    attributes["build-arg:SOURCE_DATE_EPOCH"] ??= process.env["SOURCE_DATE_EPOCH"];
  }
  for (const [name, value] of Object.entries(parseMap(given.label))) attributes[`label:${name}`] = value;
  set("target", given.target);
  set("platform", given.platform.flatMap((platform) => platform.split(",")).join(","));
  set("force-network-mode", given.network === "default" ? undefined : given.network);
  set("add-hosts", given["add-host"].map((host) => host.replace(/[:=]/, "=")).join(","));
  set("shm-size", given["shm-size"] === undefined ? undefined : String(given["shm-size"]));
  set("cgroup-parent", given["cgroup-parent"]);
  set(
    "ulimit",
    parseUlimits(given.ulimit)
      .map(({ Name, Soft, Hard }) => `${Name}=${Soft}:${Hard}`)
      .join(","),
  );
  if (given["no-cache"]) attributes["no-cache"] = "";
  else set("no-cache", given["no-cache-filter"].flatMap((stages) => stages.split(",")).join(","));
  if (given.pull) attributes["image-resolve-mode"] = "pull";
  set("requestid", call?.request);
  return {
    attributes,
    secrets: readSecrets(given.secret),
    tags: [...given.tag],
    cacheImports: withAbsolutePaths(given["cache-from"].map((spec) => cacheChoice("cache-from", spec))),
    cacheExports: withAbsolutePaths(given["cache-to"].map((spec) => cacheChoice("cache-to", spec))),
    entitlements: given.allow.flatMap((names) => names.split(",")),
    debug: given.debug,
  };
}

function refuseUnsupported(given: BuildFlags): void {
  const refuse = (name: string, why: string) => {
    throw cliErrors["bad-option"](`--${name} is not supported: ${why}`);
  };
  if (given.squash)
    refuse("squash", "layers are what the cache is made of; a stage of its own with COPY --from does it");
  if (given.policy.length > 0) refuse("policy", "nothing here applies one");
  requireBuilder(given.builder);
  if (given.isolation !== "" && given.isolation !== "default") {
    refuse("isolation", `${JSON.stringify(given.isolation)} is no isolation on Linux`);
  }
  if (!given["disable-content-trust"]) throw cliErrors["content-trust"]();
  if (given["security-opt"].length > 0) refuse("security-opt", "use RUN --security and --allow security.insecure");
}

export const command = defineCommand({
  summary: "Build an image from a Dockerfile",
  synopsis: "[OPTIONS] PATH | URL | -",
  aliases: ["image build", "build", "builder build", "buildx build", "buildx b"],
  operands: { min: 1, max: 1 },
  completes: () => "file",
  examples: [
    ["Build the directory's Dockerfile and name the image", "berth build --tag shop:1.0 ."],
    [
      "Another Dockerfile, one stage of it, with an argument",
      "berth build --file ci/Dockerfile --target test --build-arg VERSION=2 .",
    ],
    ["A Dockerfile without a context", "berth build - < Dockerfile"],
    ["The files of a stage into a directory", "berth build --target dist --output dist ."],
    ["Why a step was done again", "berth build --explain ."],
  ],
  flags,
  async run(context, typed, [specifier = ""]) {
    const { client } = context;
    // Proxies of config.json are arguments of every build, unless the command line has its own.
    const given = { ...typed, "build-arg": withProxies(client, typed["build-arg"]) };
    const progress = chooseProgress(given.progress === "none" ? "quiet" : given.progress, given.quiet);
    const isClassic = process.env["DOCKER_BUILDKIT"] === "0";
    const beyond = beyondClassic(given);
    if (isClassic) {
      if (beyond !== undefined) {
        throw cliErrors["bad-option"](
          `the --${beyond} option requires BuildKit: DOCKER_BUILDKIT=0 asks for the classic builder`,
        );
      }
      return runClassic(context, given, specifier, progress);
    }
    refuseUnsupported(given);
    const call = readCall(given.check ? "check" : given.print === "" ? given.call : given.print);
    const words = wordsOf(given, call);
    const outputs = call === undefined ? readOutputs(given) : [];
    const agents = openAgents(given.ssh);
    const interrupted = new AbortController();
    const onInterrupt = () => interrupted.abort(cliErrors["bad-option"]("canceled"));
    process.once("SIGINT", onInterrupt);
    process.once("SIGTERM", onInterrupt);
    let steps: ReturnType<Awaited<ReturnType<typeof createView>>["steps"]> = [];
    try {
      const end = await solve(
        client,
        { specifier, file: given.file, named: given["build-context"] },
        words,
        outputs,
        agents,
        async () => {
          const view = await createView(call === undefined ? progress : "quiet", (text) => writeText(2, text));
          return {
            ...view,
            finish: (failed) => {
              steps = view.steps();
              view.finish(failed);
            },
          };
        },
        { registryConfig: await registryConfig(), signal: interrupted.signal },
      );
      if (end === undefined) {
        // A daemon without this way to build: the classic one does what it can.
        if (beyond !== undefined) {
          throw cliErrors["bad-option"](`the daemon is not Berth's: it cannot build with --${beyond}`);
        }
        return await runClassic(context, given, specifier, progress);
      }
      const { reference, answer } = end;
      if (answer.error !== undefined) {
        const failure = buildFailure(answer.error, steps, progress !== "rawjson");
        const image = answer.error.failure?.debugImage;
        if (given.debug && image !== undefined && isTerminal(0)) {
          const { printFailure } = await import("../failure.ts");
          printFailure(failure, "ERROR: ");
          await (await import("../build/debug-shell.ts")).openDebugShell(context, image);
        } else if (given.debug && image !== undefined) {
          writeText(2, `The failed step's files are kept as the image ${image.id}.\n`);
        }
        throw failure;
      }
      const { result } = answer;
      if (result === undefined) return undefined;
      if (call !== undefined) return showAnswer(call, result);
      if (given.explain) explain(result.steps);
      const imageId = result.exported["containerimage.config.digest"] ?? result.imageId;
      if (given.iidfile !== "") writeFileSync(given.iidfile, imageId);
      if (given["metadata-file"] !== "") writeMetadata(given["metadata-file"], reference, result.exported);
      if (progress === "quiet" && given.quiet) writeText(1, `${imageId}\n`);
      return undefined;
    } catch (error) {
      if (interrupted.signal.aborted) throw new EngineError("cancelled", "build-interrupted", "build canceled");
      throw error;
    } finally {
      process.off("SIGINT", onInterrupt);
      process.off("SIGTERM", onInterrupt);
      for (const agent of agents) agent.close();
    }
  },
});

async function runClassic(
  { client }: CommandContext,
  given: BuildFlags,
  specifier: string,
  progress: ProgressKind,
): Promise<undefined> {
  const { buildClassic } = await import("../build/classic.ts");
  const imageId = await buildClassic(
    client,
    specifier,
    given.file,
    {
      tags: given.tag,
      buildArguments: buildArguments(given["build-arg"]),
      labels: parseMap(given.label),
      target: given.target,
      noCache: given["no-cache"],
      pull: given.pull,
      quiet: progress === "quiet",
      removeIntermediate: given.rm,
      forceRemove: given["force-rm"],
      network: given.network === "default" ? undefined : given.network,
      extraHosts: given["add-host"].map((host) => host.replace("=", ":")),
      cacheFrom: given["cache-from"],
      platform: given.platform[0] ?? "",
      shmSizeBytes: given["shm-size"],
      memoryBytes: given.memory,
      memorySwapBytes: given["memory-swap"],
      cpuShares: given["cpu-shares"],
      cpuPeriod: given["cpu-period"],
      cpuQuota: given["cpu-quota"],
      cpusetCpus: given["cpuset-cpus"],
      cpusetMems: given["cpuset-mems"],
      cgroupParent: given["cgroup-parent"],
      ulimits: parseUlimits(given.ulimit),
      securityOptions: given["security-opt"],
      squash: given.squash,
    },
    progress === "rawjson",
  );
  if (given.iidfile !== "") {
    if (imageId === "") {
      throw cliErrors["bad-option"](`server did not provide an image ID. Cannot write ${given.iidfile}`);
    }
    writeFileSync(given.iidfile, imageId);
  }
  if (progress === "quiet") writeText(1, `${imageId}\n`);
  return undefined;
}
