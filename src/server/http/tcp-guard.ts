import { isIP } from "node:net";
import { hostname } from "node:os";
import type { IncomingMessage } from "node:http";
import { serverErrors } from "../errors.ts";

/**
 * Refuses what a web page could make a browser send to a plain TCP port: calls with an `Origin`, and calls to a
 * host name that is not this machine's (DNS rebinding). Programs send neither.
 */
export function guardPlainTcp({ headers }: Pick<IncomingMessage, "headers">): void {
  if (headers.origin !== undefined)
    throw serverErrors["plain-tcp-refused"](`a call from the web page ${headers.origin}`);
  if (headers["sec-fetch-site"] !== undefined) throw serverErrors["plain-tcp-refused"]("a call from a browser");
  const { host } = headers;
  if (host === undefined || host === "") return;
  const name = host
    .replace(/:\d+$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .toLowerCase();
  if (isIP(name) !== 0 || name === "localhost" || name.endsWith(".localhost") || name === hostname().toLowerCase())
    return;
  throw serverErrors["plain-tcp-refused"](`the host name "${name}"`);
}
