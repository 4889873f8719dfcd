import type { HealthConfig } from "#formats";
import type { DeviceFlag } from "./device-flag.ts";
import type { Heredoc } from "./heredoc.ts";

export type NameValue = {
  readonly name: string;
  readonly value: string;
  /** Written in the old form, `ENV name value`. */
  readonly isLegacy: boolean;
};

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
  /** `--checksum` of a downloaded file or a git commit. */
  readonly checksum: string | undefined;
  readonly keepGitDirectory: boolean | undefined;
  /** `--link`: into a layer that knows nothing of those below. */
  readonly link: boolean;
  /** `--parents`: with the folders above each source. */
  readonly parents: boolean;
};

export type RunInstruction = {
  readonly kind: "run";
  readonly command: CommandLine;
  readonly network: "default" | "none" | "host" | undefined;
  readonly security: "sandbox" | "insecure";
  /** `--mount` flags, unexpanded. */
  readonly mounts: readonly string[];
  readonly devices: readonly DeviceFlag[];
};

export type FromInstruction = {
  readonly kind: "from";
  readonly base: string;
  /** Lower-case; undefined without AS. */
  readonly name: string | undefined;
  /** As written. */
  readonly writtenName: string | undefined;
  /** "AS" as written. */
  readonly asWord: string | undefined;
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
  | RunInstruction
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
  /** The keyword as written. */
  readonly keyword: string;
  /** Comment lines right above it, without "#". */
  readonly comments: readonly string[];
  readonly startLine: number;
  readonly endLine: number;
};

export type InstructionOf<Kind extends InstructionBody["kind"]> = Extract<Instruction, { readonly kind: Kind }>;
