import { defineCommand } from "../command.ts";
import { writeBytes } from "../output/write.ts";
import { readStandardInput } from "../streams/standard-input.ts";

export const command = defineCommand({
  summary: "Proxy the stdio stream to the daemon connection. Should not be invoked manually.",
  synopsis: "",
  flags: {},
  async run({ client }) {
    const connection = await client.dial();
    const upstream = (async () => {
      for await (const chunk of readStandardInput()) await connection.write(chunk);
      connection.end();
    })();
    // The daemon's end ends us, whatever our input does; a failure of the input is one of the connection.
    upstream.catch(() => connection.destroy());
    for (;;) {
      const chunk = await connection.read();
      if (chunk === undefined) break;
      await writeBytes(1, chunk);
    }
  },
});
