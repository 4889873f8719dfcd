import * as v from "valibot";
import { errors } from "../errors.ts";
import { withoutQuery } from "./faults.ts";
import type { RawResponse } from "./connections.ts";

/** One entry of a registry's error body (distribution-spec, "Error Codes"). */
export type RegistryFault = { readonly code: string; readonly message: string };

const bodySchema = v.object({
  errors: v.array(v.object({ code: v.optional(v.string(), "UNKNOWN"), message: v.nullish(v.string()) })),
});
const detailsSchema = v.object({ details: v.string() });

/** Error bodies beyond this are cut. */
const FAULT_LIMIT = 64 * 1024;

/** Reads a small body whole; throws when it is larger. */
export async function readSmall(response: RawResponse, limitBytes: number, what: string): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += chunk.length;
    if (length > limitBytes) {
      await response.body.return(undefined);
      throw errors.registryFaulty("GET", withoutQuery(response.url), `${what} has more than ${limitBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function printable(text: string): string {
  // What a registry says ends up on terminals.
  return text
    .replaceAll(/[^\x20-\x7e\u00a0-\ud7ff\ue000-\ufffd]+/g, " ")
    .trim()
    .slice(0, 400);
}

/** What a refusing answer says; never throws. Reads the body. */
export async function faultsOf(response: RawResponse): Promise<readonly RegistryFault[]> {
  let text: string;
  try {
    text = (await readSmall(response, FAULT_LIMIT, "its error")).toString("utf8");
  } catch {
    return [];
  }
  try {
    const document: unknown = JSON.parse(text);
    const parsed = v.safeParse(bodySchema, document);
    if (parsed.success) {
      return parsed.output.errors.slice(0, 10).map(({ code, message }) => ({
        code: printable(code),
        message: printable(message ?? ""),
      }));
    }
    const details = v.safeParse(detailsSchema, document);
    if (details.success) return [{ code: "UNKNOWN", message: printable(details.output.details) }];
  } catch {
    // No JSON: a proxy's page, or a registry that does not follow the specification.
  }
  return [];
}

/** "denied: requested access to the resource is denied", as Docker words a registry's errors. */
export function faultText(faults: readonly RegistryFault[], status: number): string {
  const first = faults[0];
  if (first === undefined) return `received unexpected HTTP status: ${status}${statusWords[status] ?? ""}`;
  const code = first.code.toLowerCase().replaceAll("_", " ");
  return `${code}: ${first.message === "" ? code : first.message}`;
}

const statusWords: Readonly<Record<number, string>> = {
  401: " Unauthorized",
  403: " Forbidden",
  404: " Not Found",
  405: " Method Not Allowed",
  429: " Too Many Requests",
  500: " Internal Server Error",
  502: " Bad Gateway",
  503: " Service Unavailable",
  504: " Gateway Timeout",
};
