import { readFileSync } from "node:fs";
import type { Command } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { failureText, forEachName } from "../failure.ts";
import { inspectAll } from "../inspect.ts";
import { writeText } from "../output/write.ts";
import { defineRefused, readDeclarations, type Refusal } from "./declare.ts";

type Method = "GET" | "POST" | "DELETE";

/** The daemon did what no engine of one machine does: it is another's, and what it answered is not ours to show. */
function notManagedHere() {
  return cliErrors["beyond-berth"]();
}

/** One request; whatever the daemon refuses is told, and what it grants is beyond this command. */
function ask(method: Method, path: string, json?: unknown): Refusal {
  return async ({ client }) => {
    const response = await client.transport.request(method, path, json === undefined ? {} : { json });
    await response.text();
    throw notManagedHere();
  };
}

/** One request for each operand, all of them tried. */
function askEach(method: Method, path: (name: string) => string, json?: unknown): Refusal {
  return ({ client }, names) =>
    forEachName(names, async (name) => {
      const response = await client.transport.request(method, path(name), json === undefined ? {} : { json });
      await response.text();
      throw notManagedHere();
    });
}

/** `inspect`: a list of what was found, here none, then why. */
function inspect(path: (name: string) => string): Refusal {
  return ({ client }, names, flags) =>
    inspectAll(names, typeof flags["format"] === "string" ? flags["format"] : "", async (name) => {
      const response = await client.transport.request("GET", path(name));
      return response.json();
    });
}

const segment = encodeURIComponent;

function readContent(file: string, prefix = `Error reading content from "${file}": `): string {
  try {
    return readFileSync(file === "-" ? 0 : file).toString("base64");
  } catch (error) {
    const { code } = error as { code?: string };
    const reason = code === "ENOENT" ? "no such file or directory" : (code ?? "unreadable");
    throw cliErrors["bad-option"](`${prefix}error reading from ${file}: open ${file}: ${reason}`);
  }
}

/** `config create` and `secret create`: the content is read before the daemon is asked. */
function createFrom(kind: "configs" | "secrets"): Refusal {
  const prefix = kind === "secrets" ? "" : undefined;
  return async (context, [name = "", file], flags) => {
    if (file === undefined && flags["driver"] === "") throw cliErrors["bad-option"]("secret file is required");
    const Data = file === undefined ? "" : readContent(file, prefix);
    await ask("POST", `/${kind}/create`, { Name: name, Labels: {}, Data })(context, [], flags);
  };
}

const scale: Refusal = ({ client }, operands) => {
  for (const each of operands) {
    if (!/^[^=]+=\d+$/.test(each)) {
      throw cliErrors["bad-option"](
        `invalid scale specifier '${each}'.\nSee 'berth service scale --help'.\n\nUsage:  berth service scale SERVICE=REPLICAS [SERVICE=REPLICAS...]\n\nScale one or multiple replicated services`,
      );
    }
  }
  return forEachName(operands, async (each) => {
    const [name = ""] = each.split("=");
    try {
      await client.transport.request("GET", `/services/${segment(name)}`);
    } catch (error) {
      throw cliErrors["bad-option"](`${name}: ${failureText(error)}`);
    }
    throw notManagedHere();
  });
};

/** A stack's services come from a Compose file, which is looked for before the daemon is asked. */
const deploy: Refusal = async (context, _operands, flags) => {
  const files = flags["compose-file"];
  if (!Array.isArray(files) || files.length === 0) {
    throw cliErrors["bad-option"]("Specify a Compose file (with --compose-file)");
  }
  for (const file of files as string[]) readContent(file);
  await ask("GET", "/info")(context, [], flags).catch(() => {});
  await ask("GET", "/services")(context, [], flags);
};

const unlock: Refusal = async ({ client }) => {
  const { Swarm } = await client.system.info();
  const isPart = Swarm !== undefined && Swarm.LocalNodeState !== "inactive";
  throw isPart ? notManagedHere() : cliErrors["bad-option"]("Error: This node is not part of a swarm");
};

const joinToken: Refusal = async (context, [role = ""], flags) => {
  if (role !== "worker" && role !== "manager") throw cliErrors["bad-option"](`unknown role ${role}`);
  await ask("GET", "/swarm")(context, [], flags);
};

/** Notary's first version, which Docker has retired: nothing is signed, nothing is checked. */
const contentTrust: Refusal = () => Promise.reject(cliErrors["content-trust-gone"]());

const trustInspect: Refusal = async (_context, names) => {
  writeText(1, "[]\n");
  for (const name of names) writeText(2, `no signatures or cannot access ${name}\n`);
  return 1;
};

const experimental =
  (path: string): Refusal =>
  () =>
    Promise.reject(cliErrors["experimental-command"](path));

const pluginPath = (name: string) => `/plugins/${segment(name)}`;

const refusals: Readonly<Record<string, Refusal>> = {
  "config create": createFrom("configs"),
  "config inspect": inspect((name) => `/configs/${segment(name)}`),
  "config ls": ask("GET", "/configs"),
  "config rm": askEach("DELETE", (name) => `/configs/${segment(name)}`),
  "node demote": askEach("GET", (name) => `/nodes/${segment(name)}`),
  "node inspect": inspect((name) => (name === "self" ? "/swarm" : `/nodes/${segment(name)}`)),
  "node ls": ask("GET", "/nodes"),
  "node promote": askEach("GET", (name) => `/nodes/${segment(name)}`),
  "node ps": ask("GET", "/tasks"),
  "node rm": askEach("DELETE", (name) => `/nodes/${segment(name)}`),
  "node update": (context, [name = ""], flags) => ask("GET", `/nodes/${segment(name)}`)(context, [], flags),
  "secret create": createFrom("secrets"),
  "secret inspect": inspect((name) => `/secrets/${segment(name)}`),
  "secret ls": ask("GET", "/secrets"),
  "secret rm": askEach("DELETE", (name) => `/secrets/${segment(name)}`),
  "service create": (context, [image = ""], flags) =>
    ask("POST", "/services/create", { TaskTemplate: { ContainerSpec: { Image: image } } })(context, [], flags),
  "service inspect": inspect((name) => `/services/${segment(name)}`),
  "service logs": (context, [name = ""], flags) => ask("GET", `/services/${segment(name)}`)(context, [], flags),
  "service ls": ask("GET", "/services"),
  "service ps": ask("GET", "/services"),
  "service rm": askEach("DELETE", (name) => `/services/${segment(name)}`),
  "service rollback": (context, [name = ""], flags) => ask("GET", `/services/${segment(name)}`)(context, [], flags),
  "service scale": scale,
  "service update": (context, [name = ""], flags) => ask("GET", `/services/${segment(name)}`)(context, [], flags),
  "stack config": deploy,
  "stack deploy": deploy,
  "stack ls": ask("GET", "/services"),
  "stack ps": ask("GET", "/tasks"),
  "stack rm": ask("GET", "/services"),
  "stack services": ask("GET", "/services"),
  "swarm ca": ask("GET", "/swarm"),
  "swarm init": ask("POST", "/swarm/init", { ListenAddr: "0.0.0.0:2377" }),
  "swarm join": (context, [address = ""], flags) =>
    ask("POST", "/swarm/join", { ListenAddr: "0.0.0.0:2377", RemoteAddrs: [address] })(context, [], flags),
  "swarm join-token": joinToken,
  "swarm leave": ask("POST", "/swarm/leave"),
  "swarm unlock": unlock,
  "swarm unlock-key": async (context, operands, flags) => {
    writeText(2, "could not fetch unlock key: ");
    await ask("GET", "/swarm/unlockkey")(context, operands, flags);
  },
  "swarm update": ask("GET", "/swarm"),
  "plugin create": (context, [, directory = ""], flags) => {
    readPluginConfig(directory);
    return ask("POST", "/plugins/create")(context, [], flags);
  },
  "plugin disable": (context, [name = ""], flags) => ask("POST", `${pluginPath(name)}/disable`)(context, [], flags),
  "plugin enable": (context, [name = ""], flags) => ask("POST", `${pluginPath(name)}/enable`)(context, [], flags),
  "plugin inspect": inspect((name) => `${pluginPath(name)}/json`),
  "plugin install": (context, [name = ""], flags) =>
    ask("GET", `/plugins/privileges?remote=${segment(name)}`)(context, [], flags),
  "plugin push": (context, [name = ""], flags) =>
    ask("POST", `${pluginPath(name.includes(":") ? name : `${name}:latest`)}/push`)(context, [], flags),
  "plugin rm": askEach("DELETE", pluginPath),
  "plugin set": (context, [name = "", ...settings], flags) =>
    ask("POST", `${pluginPath(name)}/set`, settings)(context, [], flags),
  "plugin upgrade": async (context, [name = ""], flags) => {
    writeText(2, "error reading plugin data: ");
    await ask("GET", `${pluginPath(name)}/json`)(context, [], flags);
  },
  "volume update": (context, [name = ""], flags) => ask("GET", `/volumes/${segment(name)}`)(context, [], flags),
  "checkpoint create": experimental("checkpoint create"),
  "checkpoint ls": experimental("checkpoint ls"),
  "checkpoint rm": experimental("checkpoint rm"),
  "trust inspect": trustInspect,
  "trust key generate": contentTrust,
  "trust key load": contentTrust,
  "trust revoke": contentTrust,
  "trust sign": contentTrust,
  "trust signer add": contentTrust,
  "trust signer remove": contentTrust,
};

function readPluginConfig(directory: string): void {
  const file = `${directory.replace(/\/+$/, "")}/config.json`;
  try {
    readFileSync(file);
  } catch (error) {
    const { code } = error as { code?: string };
    throw cliErrors["file-unreadable"](file, code === "ENOENT" ? "no such file or directory" : (code ?? "unreadable"));
  }
}

/** The command of a path. */
export function refusedCommand(path: string): Command {
  const declared = readDeclarations().get(path);
  const refusal = refusals[path];
  if (declared === undefined || refusal === undefined) throw new Error(`no declaration of "${path}"`);
  return defineRefused(declared, refusal);
}
