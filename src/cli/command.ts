import type { Client } from "#client";
import type { ConnectionFlags } from "./connection/connect.ts";
import type { Flags, FlagValues } from "./flags/flag.ts";

/** What a command may use besides its own arguments. */
export type CommandContext = {
  readonly client: Client;
  /** The words that called the command, as in "berth container ls". */
  readonly path: string;
  /** What the flags before the command say about the daemon. */
  readonly connection: ConnectionFlags;
};

/** `[what it does, the command line]` */
export type Example = readonly [string, string];

export type CommandDeclaration<Declared extends Flags> = {
  /** One line; the first sentence of the command's help. */
  readonly summary: string;
  /** Stands in the command's own help instead of the summary. */
  readonly details?: string;
  /** What follows the command's name on its usage line; several lines for several forms. */
  readonly synopsis: string | readonly string[];
  /** Every way to call it, when there is more than one. */
  readonly aliases?: readonly string[];
  /** How many operands it takes. @default none */
  readonly operands?: { readonly min?: number; readonly max?: number };
  /** Stands for everything that is said about a wrong number of operands, where docker says it in other words. */
  readonly countProblem?: (count: number) => string;
  /** Arguments after the first operand belong to somebody else's command. */
  readonly stopAtOperand?: boolean;
  readonly flags: Declared;
  readonly examples?: readonly Example[];
  /** What kind of name completes at the operand with this index. */
  readonly completes?: (operandIndex: number) => CompletionKind | undefined;
  /** Must not start a daemon that does not run: asking for completions changes nothing. */
  readonly neverStartsDaemon?: boolean;
  /** Does the work; the number is the exit status, nothing is 0. */
  run(
    context: CommandContext,
    flags: FlagValues<Declared>,
    operands: readonly string[],
    given: ReadonlySet<string>,
  ): Promise<number | void>;
};

export type CompletionKind = "container" | "running-container" | "image" | "network" | "volume" | "context" | "file";

/** A command whose flags are not known by type; what the table holds. */
export type Command = CommandDeclaration<Flags>;

/** Declares a command; the flags' names and types carry over to `run`. */
export function defineCommand<const Declared extends Flags>(declaration: CommandDeclaration<Declared>): Command {
  return declaration;
}
