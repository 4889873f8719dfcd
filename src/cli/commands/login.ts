import { join } from "node:path";
import { isDaemonError } from "#client";
import { defineCommand } from "../command.ts";
import { configDirectory } from "../configuration/config-file.ts";
import {
  findCredentials,
  hostOf,
  HUB_SERVER,
  storeCredentials,
  type StoredCredentials,
} from "../credentials/credentials.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { ask } from "../prompt.ts";
import { readStandardInput } from "../streams/standard-input.ts";
import { isTerminal } from "../terminal/terminal.ts";

async function passwordFromInput(): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of readStandardInput()) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks)
    .toString("utf8")
    .replace(/[\r\n]+$/, "");
}

/** Docker Hub goes by its old address, everybody else by host and port. */
export function serverName(given: string | undefined): string {
  if (given === undefined || given === "") return HUB_SERVER;
  const host = hostOf(given);
  return ["docker.io", "index.docker.io", "registry-1.docker.io"].includes(host) ? HUB_SERVER : host;
}

export const command = defineCommand({
  summary: "Authenticate to a registry",
  synopsis: "[OPTIONS] [SERVER]",
  operands: { max: 1 },
  examples: [
    ["Log in with a token from a file", "berth login --username ada --password-stdin registry.example < token"],
  ],
  flags: {
    password: flag.string("Password or Personal Access Token (PAT)", { short: "p" }),
    "password-stdin": flag.boolean("Take the Password or Personal Access Token (PAT) from stdin"),
    username: flag.string("Username", { short: "u" }),
  },
  async run({ client }, flags, [given], set) {
    let { username, password } = flags;
    if (set.has("password")) {
      writeText(2, "WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n");
      if (flags["password-stdin"])
        throw cliErrors["bad-option"]("--password and --password-stdin are mutually exclusive");
    }
    if (flags["password-stdin"]) {
      if (username === "") throw cliErrors["bad-option"]("the --password-stdin option requires --username to be set");
      password = await passwordFromInput();
    }
    const server = serverName(given);
    const check = async (credentials: StoredCredentials) => {
      const { Status: status, IdentityToken: token } = await client.system.auth(credentials);
      const { password: secret, ...rest } = credentials;
      const kept: StoredCredentials = token === "" ? credentials : { ...rest, identitytoken: token };
      const isPlain = await storeCredentials(kept);
      if (isPlain && (secret ?? token ?? "") !== "") {
        const path = join(configDirectory(), "config.json");
        writeText(
          2,
          `\nWARNING! Your credentials are stored unencrypted in '${path}'.\nConfigure a credential helper to remove this warning. See\nhttps://docs.docker.com/go/credential-store/\n\n`,
        );
      }
      writeText(1, `${printableLine(status === "" ? "Login Succeeded" : status)}\n`);
    };
    if (username === "" && password === "") {
      const known = await findCredentials(server);
      if (known !== undefined) {
        writeText(
          1,
          `Authenticating with existing credentials... [Username: ${printableLine(known.username ?? "")}]\n\n`,
        );
        try {
          await check(known);
          return;
        } catch (error) {
          if (!isDaemonError(error) || !isTerminal(0)) throw error;
          writeText(2, `Login did not succeed, error: ${printableLine((error as Error).message)}\n`);
        }
      }
    }
    if ((username === "" || password === "") && !isTerminal(0)) {
      throw cliErrors["bad-option"]("Cannot perform an interactive login from a non TTY device");
    }
    if (username === "") {
      username = (await ask("Username: ", { hidden: false })).trim();
      if (username === "") throw cliErrors["bad-option"]("username is required");
    }
    if (password === "") {
      password = await ask("Password: ", { hidden: true });
      if (password === "") throw cliErrors["bad-option"]("password is required");
    }
    await check({ username, password, serveraddress: server });
  },
});
