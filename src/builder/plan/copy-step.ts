import { posix } from "node:path";
import type { ContainerConfig } from "#formats";
import { parseModeChange } from "../copy/mode.ts";
import { isGitSource } from "../copy/git-reference.ts";
import { expandWord } from "../expand/word.ts";
import { SyntaxFault } from "../parse/fault.ts";
import { heredocText } from "../parse/heredoc.ts";
import type { CopyInstruction } from "../parse/instruction.ts";
import { shellOf } from "./config-edits.ts";
import type { HistoryStyle } from "./history.ts";
import type { CopyOperation, FilesOrigin } from "./operation.ts";
import type { WordExpander } from "./scope.ts";

/** True for what ADD downloads. */
export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source) && !isGitSource(source);
}

export type CopyPlanOptions = {
  readonly origin: FilesOrigin;
  readonly expand: Pick<WordExpander, "word" | "variables">;
  readonly history: HistoryStyle;
  readonly epoch: number | undefined;
};

/** A COPY or ADD made ready: paths expanded, flags checked. */
export function planCopy(
  instruction: CopyInstruction,
  config: ContainerConfig,
  { origin, expand, history, epoch }: CopyPlanOptions,
): { readonly operation: CopyOperation; readonly createdBy: string | ((content: string) => string) } {
  const name = instruction.kind === "add" ? "ADD" : "COPY";
  const sources = instruction.sources.map(expand.word);
  for (const source of sources) {
    if (name === "COPY" && isUrl(source)) throw new SyntaxFault("COPY failed: source can't be a URL for COPY");
    if (name === "COPY" && isGitSource(source))
      throw new SyntaxFault("COPY failed: source can't be a git ref for COPY");
  }
  const shownDestination = expand.word(instruction.destination);
  const destination = absoluteDestination(config.WorkingDir ?? "", shownDestination);
  const owner = instruction.owner === undefined ? undefined : expand.word(instruction.owner);
  const modeText = instruction.mode === undefined ? undefined : expand.word(instruction.mode);
  const mode = modeText === undefined || modeText === "" ? undefined : parseModeChange(modeText);
  const checksum = instruction.checksum === undefined ? undefined : expand.word(instruction.checksum);
  if (checksum !== undefined) checkChecksum(checksum, sources);
  const files = instruction.files.map((file) => ({
    name: file.name,
    // Always "\", whatever the Dockerfile's escape character is.
    text: file.expand
      ? expandWord(heredocText(file), expand.variables, { ignoreQuotes: true }).text
      : heredocText(file),
  }));
  for (const file of files) {
    if (file.name.includes("/") || file.name === "." || file.name === "..") {
      throw new SyntaxFault(`${name} failed: a here-document cannot be named ${JSON.stringify(file.name)}`);
    }
  }
  const flags = [
    ...(instruction.parents ? ["--parents"] : []),
    ...(owner === undefined || owner === "" ? [] : [`--chown=${owner}`]),
    ...(modeText === undefined || modeText === "" ? [] : [`--chmod=${modeText}`]),
  ];
  return {
    operation: {
      kind: "copy",
      instruction: name,
      origin,
      sources,
      files,
      destination,
      owner: owner === "" ? undefined : owner,
      mode,
      excludes: instruction.excludes,
      unpack: instruction.unpack,
      checksum,
      keepGitDirectory: instruction.keepGitDirectory,
      // With --chmod BuildKit copies in the usual way.
      link: instruction.link && mode === undefined,
      parents: instruction.parents,
      epoch,
    },
    createdBy: history.files(shellOf(config), {
      instruction: name,
      flags,
      sources,
      heredocs: files.map((file) => file.name),
      destination: shownDestination,
    }),
  };
}

/** Relative destinations start at WORKDIR; ".", "" and a trailing slash say that it is a directory. */
function absoluteDestination(workdir: string, destination: string): string {
  const path = posix.join("/", destination.startsWith("/") ? "" : workdir, destination);
  const isFolder = destination === "" || /(?:^|\/)\.{0,2}$/.test(destination);
  return isFolder && !path.endsWith("/") ? `${path}/` : path;
}

function checkChecksum(checksum: string, sources: readonly string[]): void {
  const [source = ""] = sources;
  if (sources.length !== 1) throw new SyntaxFault("checksum can't be specified for multiple sources");
  if (isGitSource(source)) {
    if (/^[0-9a-f]{7,64}$/i.test(checksum)) return;
    throw new SyntaxFault(`invalid checksum ${JSON.stringify(checksum)}: of a git source it is a commit in hex digits`);
  }
  if (!isUrl(source)) throw new SyntaxFault("checksum requires HTTP(S) or Git sources");
  if (!/^sha256:[0-9a-f]{64}$/.test(checksum)) {
    const algorithm = /^([a-z0-9]+):/.exec(checksum)?.[1];
    throw new SyntaxFault(
      algorithm !== undefined && algorithm !== "sha256"
        ? `unsupported digest algorithm ${algorithm} in checksum: only sha256 is`
        : `invalid checksum digest format: ${JSON.stringify(checksum)} is not sha256: and 64 hex digits`,
    );
  }
}
