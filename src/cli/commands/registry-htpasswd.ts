import { defineCommand } from "../command.ts";
import { cliErrors } from "../errors.ts";
import { flag } from "../flags/flag.ts";
import { writeText } from "../output/write.ts";
import { readStandardInput } from "../streams/standard-input.ts";
import { isTerminal } from "../terminal/terminal.ts";

export const command = defineCommand({
  summary: "Print a line for a registry's password file",
  synopsis: "[OPTIONS] USER",
  operands: { min: 1, max: 1 },
  neverStartsDaemon: true,
  examples: [
    [
      "Add a user; the password comes from standard input",
      "echo secret | berth registry htpasswd ann >> /etc/registry.htpasswd",
    ],
  ],
  flags: {
    cost: flag.integer("How much work a guess is, 4 to 17: each step doubles it (default 10)"),
  },
  async run(_context, { cost = 10 }, [user = ""]) {
    if (!/^[^:\s]{1,255}$/.test(user) || user === "anonymous") {
      throw cliErrors["bad-option"](`invalid user name "${user}": no colons, no spaces, not "anonymous"`);
    }
    if (cost < 4 || cost > 17) throw cliErrors["bad-option"](`invalid cost ${cost}: 4 to 17`);
    if (isTerminal(0)) writeText(2, "Password (it shows): ");
    const chunks: Uint8Array[] = [];
    for await (const chunk of readStandardInput()) {
      chunks.push(chunk);
      if (chunk.includes(10)) break;
    }
    const password = Buffer.concat(chunks).toString().split(/\r?\n/)[0] ?? "";
    if (password === "") throw cliErrors["bad-option"]("the password is empty");
    if (Buffer.byteLength(password) > 72) throw cliErrors["bad-option"]("the password has more than 72 bytes");
    writeText(1, `${user}:${await Bun.password.hash(password, { algorithm: "bcrypt", cost })}\n`);
  },
});
