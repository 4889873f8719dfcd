import { parseGoDuration } from "#base";
import { SyntaxFault, suggest } from "./fault.ts";
import { readFlags } from "./flags.ts";
import { type Heredoc, parseHeredocWord } from "./heredoc.ts";
import { parseDeviceFlag } from "./device-flag.ts";
import type {
  CommandLine,
  CopyInstruction,
  Instruction,
  InstructionBody,
  NameValue,
  RunInstruction,
} from "./instruction.ts";
import { parseMountFlag } from "./mount-flag.ts";
import { type DockerfileNode, keywords } from "./node.ts";

type Reader = (node: DockerfileNode, keyword: string) => InstructionBody;

const readers: Readonly<Record<string, Reader>> = {
  FROM: readFrom,
  ARG: readArg,
  ENV: (node, keyword) => ({ kind: "env", pairs: readPairs(node, keyword) }),
  LABEL: (node, keyword) => ({ kind: "label", pairs: readPairs(node, keyword) }),
  RUN: readRun,
  COPY: readCopy,
  ADD: readCopy,
  CMD: (node) => ({ kind: "cmd", command: readCommand(node) }),
  ENTRYPOINT: (node) => ({ kind: "entrypoint", command: readCommand(node) }),
  SHELL: readShell,
  WORKDIR: (node, keyword) => ({ kind: "workdir", path: onlyArgument(node, keyword) }),
  USER: (node, keyword) => ({ kind: "user", user: onlyArgument(node, keyword) }),
  STOPSIGNAL: (node, keyword) => ({ kind: "stopsignal", signal: onlyArgument(node, keyword) }),
  MAINTAINER: (node, keyword) => ({ kind: "maintainer", name: onlyArgument(node, keyword) }),
  EXPOSE: (node, keyword) => ({ kind: "expose", ports: [...someArguments(node, keyword)].sort() }),
  VOLUME: readVolume,
  HEALTHCHECK: readHealthcheck,
  ONBUILD: readOnbuild,
};

/** Checks one parsed line and gives it its meaning. Throws `SyntaxFault` in Docker's words. */
export function readInstruction(node: DockerfileNode): Instruction {
  const keyword = node.keyword.toUpperCase();
  const reader = Object.hasOwn(readers, keyword) ? readers[keyword] : undefined;
  if (reader === undefined) {
    const near = suggest(keyword, keywords);
    throw new SyntaxFault(
      `unknown instruction: ${node.keyword}${near === undefined ? "" : ` (did you mean ${near}?)`}`,
      node.startLine,
    );
  }
  try {
    const place = {
      source: node.original.trim(),
      keyword: node.keyword,
      comments: node.comments,
      startLine: node.startLine,
      endLine: node.endLine,
    };
    return { ...reader(node, keyword), ...place };
  } catch (error) {
    throw error instanceof SyntaxFault ? error.at(node.startLine) : error;
  }
}

function someArguments(node: DockerfileNode, keyword: string): readonly string[] {
  if (node.arguments.length === 0) throw new SyntaxFault(`${keyword} requires at least one argument`);
  readFlags(node.flags, {});
  return node.arguments;
}

function onlyArgument(node: DockerfileNode, keyword: string): string {
  const [first] = node.arguments;
  if (first === undefined || node.arguments.length !== 1) {
    // MAINTAINER's flags are looked at first, as its text may begin with dashes.
    readFlags(node.flags, {});
    throw new SyntaxFault(`${keyword} requires exactly one argument`);
  }
  readFlags(node.flags, {});
  return first;
}

function readFrom(node: DockerfileNode): InstructionBody {
  const [base = "", as, name] = node.arguments;
  const hasName = node.arguments.length === 3 && as?.toLowerCase() === "as";
  if (node.arguments.length !== 1 && !hasName) throw new SyntaxFault("FROM requires either one or three arguments");
  const stage = hasName ? name?.toLowerCase() : undefined;
  if (stage !== undefined && !/^[a-z][a-z0-9\-_.]*$/.test(stage)) {
    throw new SyntaxFault(
      `invalid name for build stage: ${JSON.stringify(name)}, name can't start with a number or contain symbols`,
    );
  }
  const { platform } = readFlags(node.flags, { platform: "text" });
  const written = hasName ? { writtenName: name, asWord: as } : { writtenName: undefined, asWord: undefined };
  return { kind: "from", base, name: stage, ...written, platform };
}

function readArg(node: DockerfileNode, keyword: string): InstructionBody {
  const entries = someArguments(node, keyword).map((word) => {
    const at = word.indexOf("=");
    const name = at === -1 ? word : word.slice(0, at);
    if (name === "") throw new SyntaxFault("ARG names can not be blank");
    return { name, value: at === -1 ? undefined : word.slice(at + 1) };
  });
  return { kind: "arg", entries };
}

function readPairs(node: DockerfileNode, keyword: string): readonly NameValue[] {
  const words = someArguments(node, keyword);
  const pairs: NameValue[] = [];
  for (let index = 0; index < words.length; index += 3) {
    const name = words[index] ?? "";
    if (name === "") throw new SyntaxFault(`${keyword} names can not be blank`);
    pairs.push({ name, value: words[index + 1] ?? "", isLegacy: words[index + 2] === "" });
  }
  return pairs;
}

function readCommand(node: DockerfileNode): CommandLine {
  readFlags(node.flags, {});
  return { words: node.arguments, form: node.json ? "exec" : "shell", heredocs: node.heredocs };
}

function readRun(node: DockerfileNode): RunInstruction {
  const flags = readFlags(node.flags, { mount: "list", network: "text", security: "text", device: "list" });
  for (const mount of flags.mount) parseMountFlag(mount);
  const security = flags.security ?? "sandbox";
  if (security !== "sandbox" && security !== "insecure") {
    throw new SyntaxFault(
      `security mode ${JSON.stringify(security)} is not valid: ${choices(security, ["sandbox", "insecure"])}`,
    );
  }
  const { network } = flags;
  if (network !== undefined && network !== "default" && network !== "none" && network !== "host") {
    throw new SyntaxFault(
      `invalid network mode ${JSON.stringify(network)}: ${choices(network, ["default", "none", "host"])}`,
    );
  }
  if (node.arguments.length === 0) throw new SyntaxFault("RUN requires at least one argument");
  return {
    kind: "run",
    command: readCommand({ ...node, flags: [] }),
    network,
    security,
    mounts: flags.mount,
    devices: flags.device.map(parseDeviceFlag),
  };
}

function choices(word: string, allowed: readonly string[]): string {
  const near = suggest(word, allowed);
  return `it must be one of ${allowed.join(", ")}${near === undefined ? "" : ` (did you mean ${near}?)`}`;
}

function readShell(node: DockerfileNode): InstructionBody {
  readFlags(node.flags, {});
  if (!node.json) throw new SyntaxFault("SHELL requires the arguments to be in JSON form");
  if (node.arguments.length === 0) throw new SyntaxFault("SHELL requires at least one argument");
  return { kind: "shell", words: node.arguments };
}

function readVolume(node: DockerfileNode, keyword: string): InstructionBody {
  const paths = someArguments(node, keyword).map((path) => path.trim());
  if (paths.includes("")) throw new SyntaxFault("VOLUME specified can not be an empty string");
  return { kind: "volume", paths };
}

function readOnbuild(node: DockerfileNode, keyword: string): InstructionBody {
  someArguments(node, keyword);
  const trigger = node.child?.keyword.toUpperCase() ?? "";
  if (trigger === "ONBUILD") throw new SyntaxFault("Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (trigger === "FROM" || trigger === "MAINTAINER") {
    throw new SyntaxFault(`${trigger} isn't allowed as an ONBUILD trigger`);
  }
  const bodies = node.heredocs.map((heredoc) => `\n${heredoc.content}${heredoc.name}`).join("");
  const text = node.original.trim().replace(/^onbuild\s*/i, "");
  return { kind: "onbuild", trigger: text + bodies };
}

function readCopy(node: DockerfileNode, keyword: string): CopyInstruction {
  if (node.arguments.length < 2) {
    throw new SyntaxFault(
      node.arguments.length === 0
        ? `${keyword} requires at least two arguments`
        : `${keyword} requires at least two arguments, but only one was provided. Destination could not be determined`,
    );
  }
  const isAdd = keyword === "ADD";
  const common = { chown: "text", chmod: "text", link: "boolean", exclude: "list" } as const;
  const flags: {
    readonly [Name in "chown" | "chmod" | "from" | "checksum"]?: string | undefined;
  } & {
    readonly [Name in "unpack" | "link" | "parents" | "keep-git-dir"]?: boolean | undefined;
  } & { readonly exclude: readonly string[] } = isAdd
    ? readFlags(node.flags, { ...common, checksum: "text", unpack: "boolean", "keep-git-dir": "boolean" })
    : readFlags(node.flags, { ...common, from: "text", parents: "boolean" });
  const paths = [...node.arguments];
  const destination = paths.pop() ?? "";
  const heredocWord = (word: string) => (node.json ? undefined : parseHeredocWord(word));
  if (heredocWord(destination) !== undefined) {
    throw new SyntaxFault(`${keyword} cannot accept a heredoc as a destination`);
  }
  const sources: string[] = [];
  const files: Heredoc[] = [];
  for (const path of paths) {
    const announced = heredocWord(path);
    const body = node.heredocs.find((heredoc) => heredoc.name === announced?.name);
    if (announced === undefined) sources.push(path);
    else if (body !== undefined) files.push(body);
  }
  if (flags.from !== undefined && flags.from.includes("$")) {
    throw new SyntaxFault(
      `variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround`,
    );
  }
  return {
    kind: isAdd ? "add" : "copy",
    sources,
    files,
    destination,
    from: flags.from,
    owner: flags.chown,
    mode: flags.chmod,
    excludes: flags.exclude,
    unpack: flags.unpack,
    checksum: flags.checksum,
    keepGitDirectory: flags["keep-git-dir"],
    link: flags.link ?? false,
    parents: flags.parents ?? false,
  };
}

function readHealthcheck(node: DockerfileNode): InstructionBody {
  const [word, ...rest] = node.arguments;
  if (word === undefined) throw new SyntaxFault("HEALTHCHECK requires at least one argument");
  const type = word.toUpperCase();
  if (type === "NONE") {
    if (rest.length > 0) throw new SyntaxFault("HEALTHCHECK NONE takes no arguments");
    readFlags(node.flags, {});
    return { kind: "healthcheck", health: { Test: ["NONE"] } };
  }
  const flags = readFlags(node.flags, {
    interval: "text",
    timeout: "text",
    "start-period": "text",
    "start-interval": "text",
    retries: "text",
  });
  if (type !== "CMD") throw new SyntaxFault(`Unknown type "${type}" in HEALTHCHECK (try CMD)`);
  if (rest.length === 0) throw new SyntaxFault("Missing command after HEALTHCHECK CMD");
  const health = {
    Test: [node.json ? "CMD" : "CMD-SHELL", ...rest],
    Interval: readInterval("interval", flags.interval),
    Timeout: readInterval("timeout", flags.timeout),
    StartPeriod: readInterval("start-period", flags["start-period"]),
    StartInterval: readInterval("start-interval", flags["start-interval"]),
    Retries: readRetries(flags.retries),
  };
  return { kind: "healthcheck", health };
}

function readInterval(name: string, text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  const nanoseconds = parseGoDuration(text);
  if (nanoseconds === undefined) throw new SyntaxFault(`time: invalid duration "${text}"`);
  if (nanoseconds === 0) return undefined;
  if (nanoseconds < 1e6) throw new SyntaxFault(`Interval "${name}" cannot be less than 1ms`);
  return nanoseconds;
}

function readRetries(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^[+-]?\d+$/.test(text)) throw new SyntaxFault(`invalid --retries: ${JSON.stringify(text)} is no whole number`);
  const retries = Number(text);
  if (retries < 0) throw new SyntaxFault(`--retries cannot be negative (${retries})`);
  return retries === 0 ? undefined : retries;
}
