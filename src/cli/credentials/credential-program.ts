import { cliErrors } from "../errors.ts";

/** What a credential helper stores for one server (github.com/docker/docker-credential-helpers). */
export type HelperEntry = { readonly Username: string; readonly Secret: string };

/** How helpers say that they have nothing. */
const NOT_FOUND = /credentials not found in native keychain/;
const HELPER_MS = 60_000;

async function run(helper: string, action: "get" | "store" | "erase" | "list", input: string): Promise<string> {
  const { spawn } = await import("node:child_process");
  const program = `docker-credential-${helper}`;
  // A name from a file: never a path, so that it is looked up as a program only.
  if (!/^[\w.-]+$/.test(helper)) throw cliErrors["credential-helper-failed"](program, "its name is malformed");
  return new Promise((resolve, reject) => {
    const child = spawn(program, [action], { stdio: ["pipe", "pipe", "inherit"], timeout: HELPER_MS });
    let output = "";
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
    child.stdin.on("error", () => {
      // It ended without reading; its exit status says what that means.
    });
    child.on("error", (error: Error & { code?: string }) =>
      reject(
        cliErrors["credential-helper-failed"](
          program,
          error.code === "ENOENT" ? "executable file not found in $PATH" : error.message,
        ),
      ),
    );
    child.on("close", (code) => {
      if (code === 0) resolve(output);
      else if (NOT_FOUND.test(output)) resolve("");
      else reject(cliErrors["credential-helper-failed"](program, output.trim() || `exit status ${code ?? -1}`));
    });
    child.stdin.end(input);
  });
}

/** The credentials a helper has for a server; undefined when it has none. */
export async function getFromHelper(helper: string, server: string): Promise<HelperEntry | undefined> {
  const output = await run(helper, "get", server);
  if (output.trim() === "") return undefined;
  const entry = JSON.parse(output) as Partial<HelperEntry>;
  return { Username: entry.Username ?? "", Secret: entry.Secret ?? "" };
}

/** Stores credentials; takes the place of earlier ones. */
export async function storeInHelper(helper: string, server: string, entry: HelperEntry): Promise<void> {
  await run(helper, "store", JSON.stringify({ ServerURL: server, ...entry }));
}

/** Removes credentials; nothing happens when there are none. */
export async function eraseFromHelper(helper: string, server: string): Promise<void> {
  await run(helper, "erase", server);
}

/** Servers a helper has credentials for. */
export async function listHelper(helper: string): Promise<readonly string[]> {
  const output = await run(helper, "list", "");
  return output.trim() === "" ? [] : Object.keys(JSON.parse(output) as Record<string, string>);
}
