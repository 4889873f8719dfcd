import { defineCommand } from "../command.ts";
import { eraseCredentials, hostOf } from "../credentials/credentials.ts";
import { printableLine } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { serverName } from "./login.ts";

export const command = defineCommand({
  summary: "Log out from a registry",
  synopsis: "[SERVER]",
  operands: { max: 1 },
  flags: {},
  neverStartsDaemon: true,
  async run(_context, _flags, [given]) {
    const server = serverName(given);
    const shown = printableLine(given === undefined || given === "" ? server : hostOf(given));
    if (!(await eraseCredentials(server))) {
      writeText(1, `Not logged in to ${shown}\n`);
      return;
    }
    writeText(1, `Removing login credentials for ${shown}\n`);
  },
});
