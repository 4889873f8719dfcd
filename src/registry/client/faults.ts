import { EngineError } from "#base";
import { errors } from "../errors.ts";

/** A connection that gave nothing for too long. */
export class StallError extends Error {
  readonly seconds: number;
  constructor(milliseconds: number) {
    super("stalled");
    this.name = "StallError";
    this.seconds = Math.round(milliseconds / 100) / 10;
  }
}

/** The connection ended, or carried something else than HTTP. */
export class BrokenAnswer extends Error {
  constructor(why: string) {
    super(why);
    this.name = "BrokenAnswer";
  }
}

/** What the system says, as Go's net package words it: people search for these sentences. */
function wordsOf(error: Error & { readonly code?: string }, url: URL): string {
  const address = `${url.hostname}:${url.port === "" ? (url.protocol === "https:" ? "443" : "80") : url.port}`;
  switch (error.code ?? "") {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "ENOTFOUND":
    case "EAI_AGAIN":
    case "DNS_ENOTFOUND":
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case "ENETUNREACH":
    case "EHOSTUNREACH":
      return `dial tcp ${address}: connect: ${error.code === "ENETUNREACH" ? "network is unreachable" : "no route to host"}`;
    case "ECONNRESET":
    case "EPIPE":
      return "connection reset by peer";
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "DEPTH_ZERO_SELF_SIGNED_CERT":
    case "SELF_SIGNED_CERT_IN_CHAIN":
    case "UNABLE_TO_VERIFY_LEAF_SIGNATURE":
    case "UNABLE_TO_GET_ISSUER_CERT":
    case "UNABLE_TO_GET_ISSUER_CERT_LOCALLY":
      return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
    case "ERR_TLS_CERT_ALTNAME_INVALID":
      return `tls: failed to verify certificate: x509: certificate is not valid for ${url.hostname}`;
    default:
      break;
  }
  if (/timeout/.test(error.message)) return `dial tcp ${address}: i/o timeout`;
  // BoringSSL's reason, when the other side does not speak TLS at all.
  if (/WRONG_VERSION_NUMBER|wrong version number|HTTP_REQUEST|packet length too long|http request/i.test(error.message))
    return "http: server gave HTTP response to HTTPS client";
  return error.message;
}

/** The failure of a request in words; errors that have their own stay as they are. */
export function requestFailure(error: unknown, method: string, url: URL): Error {
  if (error instanceof EngineError) return error;
  if (error instanceof StallError) return errors.registryStalled(method, withoutQuery(url), error.seconds);
  const cause = error instanceof Error ? error : new Error(String(error));
  if (cause.name === "AbortError") return cause;
  return errors.registryUnreachable(method, withoutQuery(url), wordsOf(cause, url));
}

/** The URL without its query: signed URLs and tokens are nobody's business. */
export function withoutQuery(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

const transient = new Set(["registryUnreachable", "registryStalled", "registryFaulty", "registryProxyFailed"]);

/** True for failures of the way to a registry, which another try may not meet. */
export function isTransient(error: unknown): boolean {
  return error instanceof EngineError && transient.has(error.code);
}
