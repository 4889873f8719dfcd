import { cliErrors } from "../errors.ts";

/** What people call an architecture → what images call it (containerd/platforms, `normalizeArch`). */
const architectures: Readonly<Record<string, readonly [string, string?]>> = {
  i386: ["386"],
  x86_64: ["amd64"],
  "x86-64": ["amd64"],
  aarch64: ["arm64"],
  armhf: ["arm", "v7"],
  armel: ["arm", "v6"],
};

const known = new Set(
  "386 amd64 arm arm64 loong64 mips mipsle mips64 mips64le ppc64 ppc64le riscv64 s390x wasm".split(" "),
);
const systems = new Set(
  "linux windows darwin freebsd netbsd openbsd dragonfly solaris aix android illumos plan9 wasip1".split(" "),
);

/** A platform as requests for images carry it. */
export type PlatformDocument = { readonly architecture: string; readonly os: string; readonly variant?: string };

/**
 * Reads `os[/arch[/variant]]`, or an architecture alone, which is Linux's here. Throws docker's sentence, after `prefix`.
 */
export function parsePlatform(text: string, prefix = ""): PlatformDocument {
  const refuse = (reason: string) => cliErrors["bad-option"](`${prefix}"${text}": ${reason}: invalid argument`);
  const parts = text.toLowerCase().split("/");
  if (parts.length > 3 || parts.some((part) => !/^[\w.-]+$/.test(part))) {
    throw refuse(
      parts.length > 3
        ? "cannot parse platform specifier"
        : 'platform specifier component must match "^[A-Za-z0-9_.-]+$"',
    );
  }
  const own = process.arch === "x64" ? "amd64" : process.arch;
  const [first = "", second, third] = parts;
  const isSystem = systems.has(first);
  if (second === undefined && !isSystem && !known.has(first) && architectures[first] === undefined) {
    throw refuse("unknown operating system or architecture");
  }
  const os = isSystem || second !== undefined ? first : "linux";
  const given = second ?? (isSystem ? own : first);
  const [architecture, implied] = architectures[given] ?? [given];
  const variant = third ?? implied;
  const isUsual = architecture === "arm64" && (variant === "v8" || variant === "8") && third === undefined;
  return { architecture, os, ...(variant !== undefined && !isUsual && { variant }) };
}

/** The same as a query parameter; undefined for "". */
export function platformQuery(text: string, prefix = "invalid platform: "): string | undefined {
  return text === "" ? undefined : JSON.stringify(parsePlatform(text, prefix));
}
