import { createIncoming } from "#client";
import type { Connection, Dialer } from "#client";
import { cliErrors } from "../errors.ts";
import type { Target } from "./connect.ts";

/** What stands for the far daemon in HTTP; nothing resolves it. */
const standIn = "http://docker.example.com";

/** The program that joins its standard streams to the daemon's socket there: Berth's, else Docker's. */
function remoteProgram(socket: string): string {
  // One word for the far shell, whichever it is; sh reads it.
  const host = socket === "" ? "" : `--host unix://${socket} `;
  return `sh -c 'if command -v berth >/dev/null 2>&1; then exec berth ${host}system dial-stdio; else exec docker ${host}system dial-stdio; fi'`;
}

/**
 * The command line of ssh(1) for `ssh://[user@]host[:port][/path/of.sock]`. A name that begins with a dash would be an
 * option to ssh, and a password has no place in an address.
 */
export function sshCommand(address: string): string[] {
  const refuse = (reason: string) =>
    cliErrors["connection-setup"](`unable to resolve docker endpoint: invalid SSH URL "${address}": ${reason}`);
  let url: URL;
  try {
    url = new URL(address);
  } catch {
    throw refuse("it cannot be parsed");
  }
  const user = decodeURIComponent(url.username);
  const path = decodeURIComponent(url.pathname).replace(/^\/$/, "");
  const host = decodeURIComponent(url.hostname).replace(/^\[|\]$/g, "");
  if (url.password !== "") throw refuse("plain-text password is not supported");
  if (host === "") throw refuse("no host specified");
  if (host.startsWith("-") || user.startsWith("-")) throw refuse("host and user must not begin with a dash");
  if (url.search !== "" || url.hash !== "") throw refuse("query and fragment have no meaning");
  if (!/^[\w./@+-]*$/.test(path)) throw refuse("the path of the socket has characters that a shell would read");
  return [
    "ssh",
    ...(user === "" ? [] : ["-l", user]),
    ...(url.port === "" ? [] : ["-p", url.port]),
    "-o",
    "ConnectTimeout=30",
    "-T",
    "--",
    host,
    remoteProgram(path),
  ];
}

/** Opens a connection by running a command whose standard streams are the connection. */
function commandDialer(command: readonly string[]): Dialer {
  return async (): Promise<Connection> => {
    const { spawn } = await import("node:child_process");
    const [program = "", ...words] = command;
    const child = spawn(program, words, { stdio: ["pipe", "pipe", "pipe"], detached: true });
    let complaint = "";
    let isOpen = true;
    let hasAnswered = false;
    const incoming = createIncoming(
      () => void child.stdout.pause(),
      () => void child.stdout.resume(),
    );
    child.stderr.on("data", (chunk: Uint8Array) => {
      complaint = (complaint + new TextDecoder().decode(chunk)).slice(-4096);
    });
    child.stdout.on("data", (chunk: Uint8Array) => {
      hasAnswered = true;
      incoming.push(chunk);
    });
    // A command that ended is told of by `close`, after the last of its words.
    child.stdin.on("error", () => {});
    child.on("error", (error) =>
      incoming.finish(cliErrors["connection-command-failed"](command.join(" "), error.message, "")),
    );
    child.on("close", (code, signal) => {
      isOpen = false;
      const ending = signal === null ? `exit status ${code ?? 255}` : `signal ${signal}`;
      if (hasAnswered || (code === 0 && complaint === "")) incoming.finish();
      else
        incoming.finish(
          cliErrors["connection-command-failed"](command.join(" "), ending, complaint.replaceAll("\r", "")),
        );
    });
    return {
      write(data) {
        if (child.stdin.write(data)) return Promise.resolve();
        return new Promise((resolve) => {
          const settle = () => {
            child.stdin.off("drain", settle);
            child.off("close", settle);
            resolve();
          };
          child.stdin.on("drain", settle);
          child.on("close", settle);
        });
      },
      end: () => void child.stdin.end(),
      read: () => incoming.read(),
      destroy(reason) {
        isOpen = false;
        incoming.finish(reason);
        child.kill("SIGTERM");
      },
      get isOpen() {
        return isOpen;
      },
    };
  };
}

/** A daemon behind ssh: every connection is one ssh process. */
export function sshTarget(address: string): Target {
  return { host: standIn, dial: commandDialer(sshCommand(address)) };
}
