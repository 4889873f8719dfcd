import type { ConnectionFlags } from "./connection/connect.ts";
import { flag } from "./flags/flag.ts";
import { parseFlags } from "./flags/parse.ts";
import { printFailure } from "./failure.ts";
import { writeText } from "./output/write.ts";
import { berthVersion } from "./version.ts";

/** The flags that stand before the command. */
export const globalFlags = {
  debug: flag.boolean("Show where errors come from", { short: "D" }),
  host: flag.list("Daemon socket to connect to", { short: "H" }),
  tls: flag.boolean("Use TLS; implied by --tlsverify"),
  tlscacert: flag.string("Trust certs signed only by this CA"),
  tlscert: flag.string("Path to TLS certificate file"),
  tlskey: flag.string("Path to TLS key file"),
  tlsverify: flag.boolean("Use TLS and verify the remote"),
  version: flag.boolean("Print version information and quit", { short: "v" }),
} as const;

type GlobalFlags = {
  readonly rest: readonly string[];
  readonly connection: ConnectionFlags;
  readonly finished?: number;
};

/** Reads the flags before the command; `finished` is an exit status when there is nothing more to do. */
export function readGlobalFlags(argv: readonly string[]): GlobalFlags {
  let parsed: ReturnType<typeof parseFlags<typeof globalFlags>>;
  try {
    parsed = parseFlags(globalFlags, argv, { stopAtOperand: true });
  } catch (error) {
    printFailure(error);
    writeText(2, "\nUsage:  berth [OPTIONS] COMMAND [ARG...]\n\nRun 'berth --help' for more information\n");
    return { rest: [], connection: {}, finished: 125 };
  }
  const { values, operands } = parsed;
  if (values.version) {
    writeText(1, `Berth version ${berthVersion}\n`);
    return { rest: [], connection: {}, finished: 0 };
  }
  if (values.debug) process.env["BERTH_DEBUG"] = "1";
  const connection = { ...values, host: values.host.at(-1) };
  return { rest: parsed.wantsHelp || operands.length === 0 ? ["help", ...operands] : operands, connection };
}
