import { spawnSync } from "node:child_process";

/**
 * Runs commands in nft's own language as one transaction in the calling thread's network namespace; throws an Error
 * with nft's text. A spawn, 2 to 5 ms: for rulesets that change with networks, not with containers. Not libnftables
 * in this process: it waits with select(2) and aborts the program once its socket has a number above 1023, and its
 * assertions would end the daemon over a ruleset of somebody else's that it does not understand.
 */
export function runNft(commands: string): string {
  const result = spawnSync("nft", ["-a", "-f", "-"], { input: commands, encoding: "utf8" });
  if (result.error !== undefined) {
    throw new Error("nftables: the nft command cannot be run; install the package nftables", { cause: result.error });
  }
  if (result.status !== 0) throw new Error(`nftables: ${result.stderr.trim()}`);
  return result.stdout;
}
