import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { runCommand } from "../engines/command.ts";
import { type EngineProcess, hostNames } from "../engines/engine.ts";
import { processesNaming } from "../engines/process.ts";

/** What one engine holds on the host, by kind; compared before and after a test. */
export type Snapshot = ReadonlyMap<string, ReadonlySet<string>>;

/** Takes stock of everything on the host that belongs to `engine`; other engines' things are not looked at. */
export async function snapshot(engine: EngineProcess): Promise<Snapshot> {
  const bridges = await engineBridges(engine);
  return new Map([
    ["process", processesOf(engine)],
    ["mount", mountsOf(engine)],
    ["bridge", new Set(bridges)],
    ["veth", new Set(bridges.flatMap(portsOfBridge))],
    ["nft element", await firewallElements(bridges)],
    ["cgroup", cgroupsOf(engine, await containerIds(engine))],
    ["run file", runFiles(engine)],
    ["container row", new Set(await containerIds(engine))],
  ]);
}

/**
 * What there is now that was not in `before`, one sentence each; waits up to `timeoutMs` for the kernel to finish what
 * it does in the background (network namespaces die asynchronously).
 */
export async function differences(
  before: Snapshot,
  engine: EngineProcess,
  timeoutMs = 5000,
): Promise<readonly string[]> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const now = await snapshot(engine);
    const left = [...now].flatMap(([kind, entries]) =>
      [...entries].filter((entry) => !before.get(kind)?.has(entry)).map((entry) => `${kind} ${entry}`),
    );
    if (left.length === 0 || Date.now() > deadline) return left;
    await Bun.sleep(100);
  }
}

/** Helpers of the engine by role, so that a restarted one counts as the same. */
function processesOf(engine: EngineProcess): ReadonlySet<string> {
  const roles = processesNaming(engine.directory).map(({ command }) => command);
  const counts = new Map<string, number>();
  for (const role of roles) counts.set(role, (counts.get(role) ?? 0) + 1);
  return new Set([...counts].map(([role, count]) => `${count} × ${role}`));
}

function mountsOf(engine: EngineProcess): ReadonlySet<string> {
  const lines = readFileSync("/proc/self/mountinfo", "utf8").split("\n");
  return new Set(
    lines
      .map((line) => `${line.split(" ")[4] ?? ""} ${line.split(" - ")[1]?.split(" ")[0] ?? ""}`)
      .filter((mount) => mount.startsWith(engine.directory) || mount.startsWith(engine.dataRoot)),
  );
}

async function get(engine: EngineProcess, path: string): Promise<unknown> {
  const response = await fetch(`http://localhost${path}`, { unix: engine.socket, headers: { Connection: "close" } });
  return response.json();
}

async function containerIds(engine: EngineProcess): Promise<readonly string[]> {
  const list = (await get(engine, "/containers/json?all=1")) as readonly { readonly Id: string }[];
  return list.map(({ Id }) => Id);
}

/** The host's bridges behind the engine's networks, found as a user would: by the gateway address each network shows. */
async function engineBridges(engine: EngineProcess): Promise<readonly string[]> {
  const networks = (await get(engine, "/networks")) as readonly {
    readonly Id: string;
    readonly IPAM: { readonly Config: readonly { readonly Gateway?: string }[] | null };
  }[];
  const gateways = networks.flatMap(({ IPAM }) => (IPAM.Config ?? []).flatMap(({ Gateway }) => Gateway ?? []));
  const { stdout } = await runCommand(["ip", "-4", "-o", "address", "show"]);
  return stdout.split("\n").flatMap((line) => {
    const [, name, , address] = line.split(/\s+/);
    const plain = address?.split("/")[0];
    return name !== undefined && plain !== undefined && gateways.includes(plain) ? [name] : [];
  });
}

function portsOfBridge(bridge: string): readonly string[] {
  const folder = `/sys/class/net/${bridge}/brif`;
  return existsSync(folder) ? readdirSync(folder).map((port) => `${bridge}/${port}`) : [];
}

/** Map and set elements, and rules that forward to a container, of nftables tables that name one of the bridges. */
async function firewallElements(bridges: readonly string[]): Promise<ReadonlySet<string>> {
  const { stdout } = await runCommand(["nft", "-j", "list", "ruleset"]);
  if (stdout === "") return new Set();
  const { nftables } = JSON.parse(stdout) as { nftables: readonly Record<string, RulesetObject>[] };
  const tables = new Set<string>();
  for (const entry of nftables) {
    const text = JSON.stringify(entry);
    const table = Object.values(entry)[0]?.table;
    if (table !== undefined && bridges.some((bridge) => text.includes(`"${bridge}"`))) tables.add(table);
  }
  const elements = new Set<string>();
  for (const entry of nftables) {
    const holder = entry["map"] ?? entry["set"];
    if (holder?.elem === undefined || holder.table === undefined || !tables.has(holder.table)) continue;
    for (const element of holder.elem) elements.add(`${holder.table} ${holder.name ?? ""} ${JSON.stringify(element)}`);
  }
  return elements;
}

type RulesetObject = { readonly table?: string; readonly name?: string; readonly elem?: readonly unknown[] };

/** Control groups of the engine's containers: below its parent group, or (other engines) named after a container. */
function cgroupsOf(engine: EngineProcess, ids: readonly string[]): ReadonlySet<string> {
  const parent = `/${hostNames(engine.dataRoot).cgroup}/`;
  const paths = readdirSync("/sys/fs/cgroup", { recursive: true, encoding: "utf8", withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  return new Set(paths.filter((path) => path.includes(parent) || ids.some((id) => path.includes(id))));
}

/** Files of the exec-root: FIFOs, sockets, bundles, runtime state. */
function runFiles(engine: EngineProcess): ReadonlySet<string> {
  if (!existsSync(engine.execRoot)) return new Set();
  const counts = new Map<string, number>();
  for (const name of readdirSync(engine.execRoot, { recursive: true, encoding: "utf8" })) {
    try {
      if (statSync(join(engine.execRoot, name)).isDirectory() && !/[0-9a-f]{64}/.test(name)) continue;
    } catch {
      continue; // removed while we looked
    }
    // A file named after a helper's pid counts as the same when the helper was restarted.
    const role = name.replace(/\/\d+(?=$|\.reap$)/, "/PID");
    counts.set(role, (counts.get(role) ?? 0) + 1);
  }
  return new Set([...counts].map(([role, count]) => (count === 1 ? role : `${count} × ${role}`)));
}
