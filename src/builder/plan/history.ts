import type { HealthConfig } from "#formats";

/** Whose words the history of an image is told in. */
export type HistoryStyle = {
  /** The comment of every entry. */
  readonly comment: string | undefined;
  /** A step that made no files: "ENV A=1". */
  metadata(shell: readonly string[], text: string): string;
  /** WORKDIR, which makes a directory. */
  workdir(shell: readonly string[], text: string): string;
  run(
    args: readonly string[],
    arguments_: readonly string[],
    visible: readonly string[],
    hasArguments: boolean,
  ): string;
  /** COPY and ADD. `content` is the digest of what was copied. */
  files(shell: readonly string[], parts: FilesHistory): string | ((content: string) => string);
  readonly onbuild: boolean;
};

export type FilesHistory = {
  readonly instruction: "COPY" | "ADD";
  readonly flags: readonly string[];
  readonly sources: readonly string[];
  readonly heredocs: readonly string[];
  readonly destination: string;
};

/** The words of Docker's old builder. */
export const classicHistory: HistoryStyle = {
  comment: undefined,
  metadata: metadataHistory,
  workdir: filesHistory,
  run: (args, _all, visible, hasArguments) => runHistory(args, hasArguments, visible),
  files: (shell, { instruction, flags, destination }) => {
    const shown = flags.filter((flag) => /^--ch(?:own|mod)=/.test(flag)).map((flag) => `${flag} `);
    return (content) => filesHistory(shell, `${instruction} ${shown.join("")}${content} in ${destination} `);
  },
  onbuild: true,
};

/** BuildKit's words. */
export const buildkitHistory: HistoryStyle = {
  comment: "buildkit.dockerfile.v0",
  metadata: (_shell, text) => text,
  workdir: (_shell, text) => text,
  run: (args, all) => `RUN ${runHistory(args, all.length > 0, all)} # buildkit`,
  files: (_shell, { instruction, flags, sources, heredocs, destination }) => {
    const words = [instruction, ...flags, ...sources, ...heredocs.map((name) => `<<${name}`), destination];
    return `${words.join(" ")} # buildkit`;
  },
  onbuild: false,
};

/** What history says of a step that made no files: `/bin/sh -c #(nop)  CMD ["sh"]` (two blanks, as Docker has it). */
function metadataHistory(shell: readonly string[], text: string): string {
  return [...shell, "#(nop) ", text].join(" ");
}

/** The same of WORKDIR, COPY and ADD (one blank, as Docker has it). */
function filesHistory(shell: readonly string[], text: string): string {
  return [...shell, `#(nop) ${text}`].join(" ");
}

/** What history says of RUN: build arguments first, counted. */
function runHistory(args: readonly string[], hasArguments: boolean, visible: readonly string[]): string {
  return (hasArguments ? [`|${visible.length}`, ...visible, ...args] : args).join(" ");
}

/** Go's `%q` of a string slice. */
export function quotedList(words: readonly string[]): string {
  return `[${words.map(quoted).join(" ")}]`;
}

/** Go's `%v` of a string slice. */
export function plainList(words: readonly string[]): string {
  return `[${words.join(" ")}]`;
}

function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/\\u00([01][0-9a-f])/g, "\\x$1");
}

/** Go's `%q` of a `*HealthConfig`; durations are quoted, the count shows as a character. */
export function quotedHealth(health: HealthConfig): string {
  const durations = [health.Interval, health.Timeout, health.StartPeriod, health.StartInterval]
    .map((nanoseconds) => `"${goDuration(nanoseconds ?? 0)}"`)
    .join(" ");
  const retries = health.Retries ?? 0;
  const count = retries < 32 ? `\\x${retries.toString(16).padStart(2, "0")}` : String.fromCodePoint(retries);
  return `&{${quotedList(health.Test ?? [])} ${durations} '${count}'}`;
}

/** Go's `time.Duration.String`. */
export function goDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  const units = [
    ["ns", 1],
    ["µs", 1e3],
    ["ms", 1e6],
  ] as const;
  for (const [unit, size] of units) {
    if (nanoseconds < size * 1000) return `${nanoseconds / size}${unit}`;
  }
  const seconds = nanoseconds / 1e9;
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor((seconds % 3600) / 60);
  const rest = Number((seconds % 60).toFixed(9));
  if (hours > 0) return `${hours}h${minutes}m${rest}s`;
  return minutes > 0 ? `${minutes}m${rest}s` : `${rest}s`;
}
