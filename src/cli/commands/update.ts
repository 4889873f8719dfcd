import { defineCommand } from "../command.ts";
import { forEachName } from "../failure.ts";
import { flag } from "../flags/flag.ts";
import { limitsOf } from "../container-options/limits.ts";
import { parseRestartPolicy } from "../container-options/restart-policy.ts";
import { printable } from "../output/printable.ts";
import { writeText } from "../output/write.ts";
import { cliErrors } from "../errors.ts";

export const command = defineCommand({
  summary: "Update configuration of one or more containers",
  synopsis: "[OPTIONS] CONTAINER [CONTAINER...]",
  aliases: ["container update", "update"],
  operands: { min: 1, max: Number.POSITIVE_INFINITY },
  completes: () => "container",
  examples: [["Raise the memory limit of a running container", "berth update --memory 1g --memory-swap 1g web"]],
  flags: {
    "blkio-weight": flag.integer("Block IO (relative weight), between 10 and 1000, or 0 to disable", {
      typeName: "uint16",
      shownDefault: "0",
    }),
    "cpu-period": flag.integer("Limit CPU CFS (Completely Fair Scheduler) period"),
    "cpu-quota": flag.integer("Limit CPU CFS (Completely Fair Scheduler) quota"),
    "cpu-rt-period": flag.integer("Limit the CPU real-time period in microseconds"),
    "cpu-rt-runtime": flag.integer("Limit the CPU real-time runtime in microseconds"),
    "cpu-shares": flag.integer("CPU shares (relative weight)", { short: "c" }),
    cpus: flag.decimal("Number of CPUs"),
    "cpuset-cpus": flag.string("CPUs in which to allow execution (0-3, 0,1)"),
    "cpuset-mems": flag.string("MEMs in which to allow execution (0-3, 0,1)"),
    "kernel-memory": flag.bytes("Kernel memory limit (deprecated)", { hidden: true }),
    memory: flag.bytes("Memory limit", { short: "m" }),
    "memory-reservation": flag.bytes("Memory soft limit"),
    "memory-swap": flag.bytes("Swap limit equal to memory plus swap: -1 to enable unlimited swap"),
    "pids-limit": flag.integer("Tune container pids limit (set -1 for unlimited)"),
    restart: flag.string("Restart policy to apply when a container exits"),
  },
  async run({ client }, flags, names, given) {
    if (given.size === 0) throw cliErrors["bad-option"]("you must provide one or more flags when using this command");
    const restart = flags.restart === "" ? undefined : parseRestartPolicy(flags.restart);
    const warnings: string[] = [];
    const status = await forEachName(names, async (name) => {
      const answer = await client.containers.update(name, {
        ...limitsOf(flags),
        ...(flags["kernel-memory"] !== undefined && { KernelMemory: flags["kernel-memory"] }),
        PidsLimit: flags["pids-limit"] ?? null,
        RestartPolicy: restart ?? { Name: "", MaximumRetryCount: 0 },
      });
      warnings.push(...(answer.Warnings ?? []));
      return name;
    });
    for (const warning of warnings) writeText(2, `${printable(warning)}\n`);
    return status;
  },
});
