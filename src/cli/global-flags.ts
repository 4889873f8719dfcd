import { configDirectory, defaultConfigDirectory, useConfigDirectory } from "./configuration/config-file.ts";
import type { ConnectionFlags } from "./connection/connect.ts";
import { flag } from "./flags/flag.ts";
import { parseFlags } from "./flags/parse.ts";
import { printFailure } from "./failure.ts";
import { writeText } from "./output/write.ts";
import { berthVersion } from "./version.ts";

const logLevels = new Set(["debug", "info", "warn", "warning", "error", "fatal", "panic", "trace"]);

/** A default that depends on where the configuration is. */
const shownPath = (name: string) => `"${configDirectory()}/${name}"`;

/** The flags that stand before the command. */
export const globalFlags = {
  config: flag.string("Location of client config files", { shownDefault: `"${defaultConfigDirectory()}"` }),
  context: flag.string(
    'Name of the context to use to connect to the daemon (overrides BERTH_HOST and DOCKER_HOST env vars and default context set with "berth context use")',
    { short: "c" },
  ),
  debug: flag.boolean("Enable debug mode", { short: "D" }),
  host: flag.list("Daemon socket to connect to", { short: "H" }),
  "log-level": flag.string('Set the logging level ("debug", "info", "warn", "error", "fatal")', {
    short: "l",
    default: "info",
  }),
  tls: flag.boolean("Use TLS; implied by --tlsverify"),
  tlscacert: flag.optionalString("Trust certs signed only by this CA", { shownDefault: shownPath("ca.pem") }),
  tlscert: flag.optionalString("Path to TLS certificate file", { shownDefault: shownPath("cert.pem") }),
  tlskey: flag.optionalString("Path to TLS key file", { shownDefault: shownPath("key.pem") }),
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
  if (!logLevels.has(values["log-level"].toLowerCase())) {
    writeText(2, `Unable to parse logging level: ${values["log-level"]}\n`);
    return { rest: [], connection: {}, finished: 1 };
  }
  if (values.debug || values["log-level"].toLowerCase() === "debug") process.env["BERTH_DEBUG"] = "1";
  if (values.config !== "") useConfigDirectory(values.config);
  const { host: hosts, context, tls, tlsverify, tlscacert, tlscert, tlskey } = values;
  const connection: ConnectionFlags = {
    hosts,
    context,
    tls,
    tlsverify,
    ...(tlscacert !== undefined && { tlscacert }),
    ...(tlscert !== undefined && { tlscert }),
    ...(tlskey !== undefined && { tlskey }),
  };
  return { rest: parsed.wantsHelp || operands.length === 0 ? ["help", ...operands] : operands, connection };
}
