import { defineErrors, EngineError, type ErrorKind } from "#base";

/** What can go wrong between a client and a daemon; what the daemon itself answers keeps its own words. */
export const clientErrors = defineErrors({
  "daemon-unreachable": {
    kind: "unavailable",
    // Docker's words: scripts wait until they are gone.
    message: (address: string, _reason: string) =>
      `Cannot connect to the Docker daemon at ${address}. Is the docker daemon running?`,
    hint: (_address: string, reason: string) =>
      `${reason}: start it with "berth daemon", or choose another one with --host, --context, BERTH_HOST or DOCKER_HOST`,
  },
  "daemon-permission": {
    kind: "forbidden",
    message: (address: string) => `permission denied while trying to connect to the Docker daemon socket at ${address}`,
    hint: () => "Run the command as root, or as a member of the group that owns the socket",
  },
  "connection-lost": {
    kind: "unavailable",
    message: () => "The daemon closed the connection before it answered",
    hint: () => "Its log says why; containers keep running while it is away",
  },
  "malformed-response": {
    kind: "internal",
    message: (what: string) => `The daemon sent a response that is not HTTP: ${what}`,
    hint: () => "Is there really a container daemon at that address?",
  },
  "malformed-stream": {
    kind: "internal",
    message: (what: string) => `The daemon sent a malformed stream: ${what}`,
  },
  "daemon-address-invalid": {
    kind: "invalid",
    message: (address: string) => `unable to parse docker host \`${address}\``,
    hint: () => "Use unix:///path/to.sock or tcp://host:port",
  },
  "upgrade-refused": {
    kind: "internal",
    message: (status: number) => `unable to upgrade to tcp, received ${status}`,
  },
});

const daemonErrors = new WeakSet<Error>();

/** True for an error that is the daemon's own answer, not a failure to get one. */
export function isDaemonError(error: unknown): error is EngineError {
  return error instanceof EngineError && daemonErrors.has(error);
}

function kindOfStatus(status: number): ErrorKind {
  switch (status) {
    case 304:
      return "not-modified";
    case 400:
      return "invalid";
    case 401:
      return "unauthorized";
    case 403:
      return "forbidden";
    case 404:
      return "not-found";
    case 408:
    case 504:
      return "timeout";
    case 409:
      return "conflict";
    case 412:
      return "precondition";
    case 429:
    case 507:
      return "exhausted";
    case 501:
      return "unsupported";
    case 503:
      return "unavailable";
    default:
      return "internal";
  }
}

/** The error an answer of `status` with `body` stands for. */
export function daemonError(status: number, body: string, request: string): EngineError {
  let message = body.trim();
  let hint: string | undefined;
  let code = "daemon-answer";
  try {
    const parsed = JSON.parse(body) as { message?: unknown; hint?: unknown; code?: unknown } | null;
    if (typeof parsed?.message === "string") message = parsed.message;
    if (typeof parsed?.hint === "string") hint = parsed.hint;
    if (typeof parsed?.code === "string") code = parsed.code;
  } catch {
    // Not JSON: attach answers plain text.
  }
  if (message === "") {
    message = `request returned ${status} for API route and version ${request}, check if the server supports the requested API version`;
  }
  const error = new EngineError(kindOfStatus(status), code, message, { hint });
  daemonErrors.add(error);
  return error;
}
