import { openSync, writeFileSync } from "node:fs";
import type { IdMapping, IdRange } from "#base";
import { closeNamespace } from "./network-namespace.ts";

/** A user namespace and a network namespace that belongs to it, held open. */
export type OwnedNamespaces = {
  /** `/proc/<pid>/fd/<n>` of the user namespace; good until `close`. */
  readonly userPath: string;
  /** Handle on the network namespace, good until `close`. */
  readonly network: number;
  /** Lets both go; processes in them keep them. Once. */
  close(): void;
};

function mapText(ranges: readonly IdRange[]): string {
  return ranges.map(({ containerId, hostId, size }) => `${containerId} ${hostId} ${size}\n`).join("");
}

/**
 * Makes a network namespace owned by a user namespace: a new one with that mapping, or the one at a path. A program with
 * one thread has to do it, for unshare(2) and setns(2) refuse user namespaces to processes with several; it holds the
 * namespaces until they are open here, and is gone when this returns. Throws with what the program said.
 */
export async function makeOwnedNamespaces(user: IdMapping | { readonly path: string }): Promise<OwnedNamespaces> {
  const joins = "path" in user;
  const command = joins ? ["nsenter", `--user=${user.path}`, "unshare", "-n", "cat"] : ["unshare", "-U", "-n", "cat"];
  const holder = Bun.spawn(command, { stdin: "pipe", stdout: "pipe", stderr: "pipe" });
  try {
    // cat(1) answers once it runs, and it runs in the namespaces.
    const asked = Promise.resolve(holder.stdin.write("\n")).then(() => holder.stdin.flush());
    asked.catch(() => {
      // EPIPE: it has failed, and what it reads below says that too.
    });
    const { done } = await holder.stdout.getReader().read();
    if (done) throw new Error((await new Response(holder.stderr).text()).trim() || `${command[0]} failed`);
    if (!joins) {
      writeFileSync(`/proc/${holder.pid}/uid_map`, mapText(user.uids));
      writeFileSync(`/proc/${holder.pid}/gid_map`, mapText(user.gids));
    }
    const userFd = openSync(`/proc/${holder.pid}/ns/user`, "r");
    try {
      const network = openSync(`/proc/${holder.pid}/ns/net`, "r");
      return {
        userPath: `/proc/${process.pid}/fd/${userFd}`,
        network,
        close: () => [userFd, network].forEach(closeNamespace),
      };
    } catch (error) {
      closeNamespace(userFd);
      throw error;
    }
  } finally {
    await Promise.resolve(holder.stdin.end()).catch(() => {
      // EPIPE: it has ended before.
    });
    await holder.exited;
  }
}
