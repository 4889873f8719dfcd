import { environmentProblem } from "./environment.ts";

/** What is wrong with one `--attach`. */
export function streamProblem(text: string): string | undefined {
  return ["stdin", "stdout", "stderr"].includes(text.toLowerCase())
    ? undefined
    : "valid streams are STDIN, STDOUT and STDERR";
}

/** What is wrong with one `--add-host`. */
export function extraHostProblem(text: string): string | undefined {
  const separator = /[=:]/.exec(text)?.index ?? -1;
  if (separator <= 0) return `bad format for add-host: "${text}"`;
  const address = text.slice(separator + 1).replace(/^\[|\]$/g, "");
  return address === "host-gateway" || /^[\da-fA-F:.]+$/.test(address)
    ? undefined
    : `invalid IP address in add-host: "${address}"`;
}

/** What is wrong with one `--dns`. */
export function addressProblem(text: string): string | undefined {
  return /^(?:\d{1,3}(?:\.\d{1,3}){3}|[\da-fA-F:.]*:[\da-fA-F:.]*)$/.test(text.trim())
    ? undefined
    : `${text} is not an ip address`;
}

/** What is wrong with one `--link`. */
export function linkProblem(text: string): string | undefined {
  const parts = text.split(":");
  return text === "" || parts.length > 2 ? `bad format for links: ${text}` : undefined;
}

/** What is wrong with one `--sysctl`. */
export function sysctlProblem(text: string): string | undefined {
  return text.includes("=") ? undefined : `sysctl '${text}' is not allowed`;
}

export { environmentProblem };
