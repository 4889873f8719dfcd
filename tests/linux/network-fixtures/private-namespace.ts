import { expect, test } from "bun:test";
import { spawn, spawnSync } from "node:child_process";

const peer = new URL("echo-peer.ts", import.meta.url).pathname;

/** True in the copy of the test process that runs in a network namespace of its own. */
export const insidePrivateNamespace = process.env["BERTH_TEST_NETWORK_NAMESPACE"] === "1";

/** Declares one test that runs `file` again inside a new network namespace, so that nothing touches the machine's. */
export function runInPrivateNamespace(file: string): void {
  test("passes in a network namespace of its own", () => {
    const result = spawnSync("unshare", ["-n", process.execPath, "test", "--timeout", "60000", file], {
      env: { ...process.env, BERTH_TEST_NETWORK_NAMESPACE: "1" },
      encoding: "utf8",
    });
    expect(result.status === 0 ? "" : result.stdout + result.stderr).toBe("");
  }, 180_000);
}

/** Runs a shell command here; throws with its output when it fails. */
export function shell(command: string): string {
  const result = spawnSync("sh", ["-ec", command], { encoding: "utf8" });
  if (result.status !== 0) throw new Error(`${command}: ${result.stdout}${result.stderr}`);
  return result.stdout;
}

/** A network namespace with a process in it; "" is the test's own. */
export type Place = { readonly path: string; readonly stop: () => void };

export const here: Place = { path: "/proc/self/ns/net", stop: () => {} };

/** A namespace held by a sleeping process, as a container's is by its init. */
export async function holdNamespace(path: string): Promise<Place> {
  const child = spawn("nsenter", [`--net=${path}`, "sleep", "1000"], { stdio: "ignore" });
  await new Promise((resolve) => void child.once("spawn", resolve));
  // The exec of nsenter and its setns take a moment after the fork.
  while (!shell(`cat /proc/${child.pid}/comm`).startsWith("sleep")) await Bun.sleep(1);
  return { path: `/proc/${child.pid}/ns/net`, stop: () => void child.kill("SIGKILL") };
}

/** Another machine: a namespace joined to this one by a cable. */
export async function makeRemoteHost(options: {
  readonly interfaceName: string;
  readonly hereAddress: string;
  readonly thereAddress: string;
}): Promise<Place> {
  const child = spawn("unshare", ["-n", "sleep", "1000"], { stdio: "ignore" });
  await new Promise((resolve) => void child.once("spawn", resolve));
  while (!shell(`cat /proc/${child.pid}/comm`).startsWith("sleep")) await Bun.sleep(1);
  const { interfaceName: name, hereAddress, thereAddress } = options;
  shell(`ip link add ${name} mtu 1400 type veth peer name far0 netns ${child.pid}
    ip addr add ${hereAddress}/24 dev ${name}; ip link set ${name} up
    nsenter -n -t ${child.pid} sh -ec 'ip link set lo up; ip addr add ${thereAddress}/24 dev far0; ip link set far0 up'`);
  return { path: `/proc/${child.pid}/ns/net`, stop: () => void child.kill("SIGKILL") };
}

/** Runs a command in a place; output and whether it succeeded. */
export function runAt(place: Place, command: string): { readonly ok: boolean; readonly output: string } {
  const result = spawnSync("nsenter", [`--net=${place.path}`, "sh", "-c", command], { encoding: "utf8" });
  return { ok: result.status === 0, output: result.stdout + result.stderr };
}

/** Starts a server in a place; resolves when it listens. */
export async function serveAt(place: Place, protocol: "tcp" | "udp", port: number, name: string): Promise<() => void> {
  const child = spawn(
    "nsenter",
    [`--net=${place.path}`, process.execPath, peer, "serve", protocol, String(port), name],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  await new Promise((resolve) => void child.stdout.once("data", resolve));
  return () => void child.kill("SIGKILL");
}

/** Asks a server from a place: its answer, or "no answer". */
export async function askFrom(place: Place, protocol: "tcp" | "udp", address: string, port: number): Promise<string> {
  const child = spawn(
    "nsenter",
    [`--net=${place.path}`, process.execPath, peer, "ask", protocol, address, String(port)],
    {
      stdio: ["ignore", "pipe", "ignore"],
    },
  );
  let output = "";
  child.stdout.on("data", (data: Buffer) => (output += data.toString()));
  await new Promise((resolve) => void child.once("close", resolve));
  return output.trim();
}
