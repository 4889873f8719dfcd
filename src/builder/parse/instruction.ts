import type { HealthConfig } from "#formats";
import type { Heredoc } from "./heredoc.ts";

export type NameValue = { readonly name: string; readonly value: string };

/** The command of RUN, CMD or ENTRYPOINT: words of the exec form, or one text for the shell. */
export type CommandLine = {
  readonly words: readonly string[];
  readonly form: "exec" | "shell";
  readonly heredocs: readonly Heredoc[];
};

/** COPY and ADD. */
export type CopyInstruction = {
  readonly kind: "copy" | "add";
  /** Paths, patterns and (ADD) URLs, unexpanded. */
  readonly sources: readonly string[];
  /** Here-documents that become files. */
  readonly files: readonly Heredoc[];
  readonly destination: string;
  /** `--from`: a stage, its index, or an image. */
  readonly from: string | undefined;
  readonly owner: string | undefined;
  readonly mode: string | undefined;
  /** `--exclude` patterns. */
  readonly excludes: readonly string[];
  /** `--unpack`: whether archives are unpacked; undefined leaves ADD its default. */
  readonly unpack: boolean | undefined;
  /** `--checksum` of a downloaded file. */
  readonly checksum: string | undefined;
};

export type FromInstruction = {
  readonly kind: "from";
  readonly base: string;
  /** Lower-case; undefined without AS. */
  readonly name: string | undefined;
  readonly platform: string | undefined;
};

export type ArgInstruction = {
  readonly kind: "arg";
  readonly entries: readonly { readonly name: string; readonly value: string | undefined }[];
};

/** What an instruction says, checked for form; variables are not expanded yet. */
export type InstructionBody =
  | FromInstruction
  | ArgInstruction
  | CopyInstruction
  | { readonly kind: "run"; readonly command: CommandLine; readonly network: "default" | "none" | "host" | undefined }
  | { readonly kind: "env" | "label"; readonly pairs: readonly NameValue[] }
  | { readonly kind: "cmd" | "entrypoint"; readonly command: CommandLine }
  | { readonly kind: "shell"; readonly words: readonly string[] }
  | { readonly kind: "workdir"; readonly path: string }
  | { readonly kind: "user"; readonly user: string }
  | { readonly kind: "expose"; readonly ports: readonly string[] }
  | { readonly kind: "volume"; readonly paths: readonly string[] }
  | { readonly kind: "healthcheck"; readonly health: HealthConfig }
  | { readonly kind: "stopsignal"; readonly signal: string }
  | { readonly kind: "onbuild"; readonly trigger: string }
  | { readonly kind: "maintainer"; readonly name: string };

/** An instruction and where it stands. */
export type Instruction = InstructionBody & {
  /** As written, on one line; what "Step 1/2 : …" shows. */
  readonly source: string;
  readonly startLine: number;
  readonly endLine: number;
};

export type InstructionOf<Kind extends InstructionBody["kind"]> = Extract<Instruction, { readonly kind: Kind }>;
