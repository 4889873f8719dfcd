import { posix } from "node:path";
import type { ContainerConfig } from "#formats";
import { expandWord } from "../expand/word.ts";
import { SyntaxFault } from "../parse/fault.ts";
import { heredocText } from "../parse/heredoc.ts";
import type { CopyInstruction } from "../parse/instruction.ts";
import { shellOf } from "./config-edits.ts";
import { filesHistory } from "./history.ts";
import type { CopyOrigin, FileOperation } from "./operation.ts";
import type { Variables } from "../expand/word.ts";

/** True for what ADD downloads. */
export function isUrl(source: string): boolean {
  return /^https?:\/\//i.test(source);
}

/** A COPY or ADD made ready: paths expanded, flags checked. */
export function planCopy(
  instruction: CopyInstruction,
  config: ContainerConfig,
  origin: CopyOrigin,
  expand: { readonly word: (word: string) => string; readonly variables: Variables },
): { readonly operation: FileOperation; readonly createdBy: (content: string) => string } {
  const name = instruction.kind === "add" ? "ADD" : "COPY";
  const sources = instruction.sources.map(expand.word);
  for (const source of sources) {
    if (source === "") throw new SyntaxFault(`${name} failed: a source is empty after expansion`);
    if (name === "COPY" && isUrl(source)) throw new SyntaxFault("COPY failed: source can't be a URL for COPY");
    if (name === "ADD" && /^(?:git@|git:\/\/|ssh:\/\/)|^https?:\/\/[^?#]*\.git(?:[?#]|$)/i.test(source)) {
      throw new SyntaxFault(`ADD failed: git repositories are not supported as a source: ${source}`);
    }
  }
  const destination = absoluteDestination(config.WorkingDir ?? "", expand.word(instruction.destination));
  const owner = instruction.owner === undefined ? undefined : expand.word(instruction.owner);
  const mode = instruction.mode === undefined ? undefined : parseMode(expand.word(instruction.mode));
  if (instruction.checksum !== undefined) checkChecksum(instruction.checksum, sources);
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
    ...(owner === undefined ? [] : [`--chown=${owner} `]),
    ...(mode === undefined ? [] : [`--chmod=${mode.toString(8)} `]),
  ].join("");
  const shell = shellOf(config);
  const shown = expand.word(instruction.destination);
  return {
    operation: {
      kind: "copy",
      instruction: name,
      origin,
      sources,
      files,
      destination,
      owner,
      mode,
      excludes: instruction.excludes,
      unpack: instruction.unpack,
      checksum: instruction.checksum,
    },
    createdBy: (content) => filesHistory(shell, `${name} ${flags}${content} in ${shown} `),
  };
}

/** Relative destinations start at WORKDIR; ".", "" and a trailing slash say that it is a directory. */
function absoluteDestination(workdir: string, destination: string): string {
  const path = posix.join("/", destination.startsWith("/") ? "" : workdir, destination);
  const isFolder = destination === "" || /(?:^|\/)\.{0,2}$/.test(destination);
  return isFolder && !path.endsWith("/") ? `${path}/` : path;
}

function parseMode(text: string): number {
  const mode = /^[0-7]{1,5}$/.test(text) ? Number.parseInt(text, 8) : Number.NaN;
  if (!(mode >= 0 && mode <= 0o7777)) {
    throw new SyntaxFault(`invalid chmod parameter: '${text}'. it should be octal string and between 0 and 07777`);
  }
  return mode;
}

function checkChecksum(checksum: string, sources: readonly string[]): void {
  if (!/^sha256:[0-9a-f]{64}$/.test(checksum)) {
    throw new SyntaxFault(`ADD failed: checksum ${JSON.stringify(checksum)} is not sha256: and 64 hex digits`);
  }
  if (sources.length !== 1 || !isUrl(sources[0] ?? "")) {
    throw new SyntaxFault("ADD failed: checksum can only be used with one HTTP source");
  }
}
