import { spawnSync } from "node:child_process";
import { type Libnftables, openLibnftables } from "../ffi/index.ts";

/** nft's own language, in this process when libnftables is installed, by spawning `nft` (2 ms) otherwise. */
export type Nftables = {
  /** Runs commands as one transaction and returns what they list (with handles); throws an Error with nft's text. */
  run(commands: string): string;
  close(): void;
};

/** Opens nftables for the calling thread's network namespace; the library is loaded at the first command. */
export function openNftables(): Nftables {
  let library: Libnftables | "unknown" | undefined = "unknown";
  return {
    run: (commands) => {
      if (library === "unknown") library = openLibnftables();
      const result = library === undefined ? spawnNft(commands) : library.run(commands);
      if (!result.ok) throw new Error(`nftables: ${result.error.trim()}`);
      return result.output;
    },
    close: () => {
      if (library !== undefined && library !== "unknown") library.close();
      library = undefined;
    },
  };
}

function spawnNft(commands: string): { readonly ok: boolean; readonly output: string; readonly error: string } {
  const result = spawnSync("nft", ["-a", "-f", "-"], { input: commands, encoding: "utf8" });
  if (result.error !== undefined) {
    return { ok: false, output: "", error: "neither libnftables.so.1 nor the nft command is installed" };
  }
  return { ok: result.status === 0, output: result.stdout, error: result.stderr };
}
