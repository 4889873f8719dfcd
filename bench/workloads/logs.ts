import { createContainer, removeContainer, startContainer, waitContainer } from "../container.ts";
import { scaled, timed, type Workload } from "../workload.ts";

const lineBytes = 100;

/** W12: a container that talks much, and reading back what it said. */
export const logs: Workload = {
  id: "W12",
  title: "10⁶ lines of 100 bytes into the log, and back",
  round: async (engine, size) => {
    const lines = scaled(size, 1_000_000, 10_000);
    const text = "x".repeat(lineBytes - 1);
    const id = await createContainer(engine.connection, {
      command: ["sh", "-c", `yes ${text} | head -n ${lines}`],
      network: "none",
    });
    try {
      const write = await timed(async () => {
        await startContainer(engine.connection, id);
        await waitContainer(engine.connection, id);
      });
      let read = 0;
      const count = async (words: readonly string[]): Promise<number> => {
        const child = Bun.spawn(["docker", "logs", ...words, id], {
          env: { ...process.env, ...engine.environment },
          stdout: "pipe",
          stderr: "ignore",
        });
        let bytes = 0;
        for await (const chunk of child.stdout) bytes += chunk.length;
        return bytes;
      };
      const back = await timed(async () => (read = await count([])));
      if (read !== lines * lineBytes)
        throw new Error(`${engine.name}: ${read} bytes of log instead of ${lines * lineBytes}`);
      const tail = await timed(async () => (read = await count(["--tail", "100"])));
      if (read !== 100 * lineBytes) throw new Error(`${engine.name}: --tail 100 gave ${read} bytes`);
      return {
        "W12 log write [MB/s]": [(lines * lineBytes) / 1000 / write],
        "W12 logs, read back [MB/s]": [(lines * lineBytes) / 1000 / back],
        "W12 logs --tail 100, CLI [ms]": [tail],
      };
    } finally {
      await removeContainer(engine.connection, id);
    }
  },
};
