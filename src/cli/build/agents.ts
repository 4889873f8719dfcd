import { spawnSync } from "node:child_process";
import { statSync } from "node:fs";
import type { Client } from "#client";
import { cliErrors } from "../errors.ts";

/** An agent that steps may use: the socket it listens on. */
export type ForwardedAgent = { readonly id: string; readonly socket: string; close(): void };

/** `--ssh default`, `--ssh ID=SOCKET`, `--ssh ID=KEY[,KEY…]`. Keys are put into an agent of their own. */
export function openAgents(specs: readonly string[]): readonly ForwardedAgent[] {
  return specs.map((spec) => {
    const equals = spec.indexOf("=");
    const id = equals === -1 ? spec : spec.slice(0, equals);
    const paths =
      equals === -1
        ? []
        : spec
            .slice(equals + 1)
            .split(",")
            .filter(Boolean);
    const [first, ...others] = paths;
    if (first === undefined) {
      const socket = process.env["SSH_AUTH_SOCK"] ?? "";
      if (socket === "") {
        throw cliErrors["bad-option"](
          `invalid empty ssh agent socket: make sure SSH_AUTH_SOCK is set, or name a socket or key with --ssh ${id}=PATH`,
        );
      }
      return { id, socket, close: () => {} };
    }
    const status = statSync(first, { throwIfNoEntry: false });
    if (status === undefined) throw cliErrors["file-unreadable"](first, "ENOENT");
    if (status.isSocket()) {
      if (others.length > 0) throw cliErrors["bad-option"]("only single socket allowed");
      return { id, socket: first, close: () => {} };
    }
    return agentWithKeys(id, paths);
  });
}

/** Starts an agent that holds keys from files. */
function agentWithKeys(id: string, keys: readonly string[]): ForwardedAgent {
  const started = spawnSync("ssh-agent", ["-s"], { encoding: "utf8" });
  const socket = /SSH_AUTH_SOCK=([^;]+);/.exec(started.stdout ?? "")?.[1];
  const pid = Number(/SSH_AGENT_PID=(\d+);/.exec(started.stdout ?? "")?.[1]);
  if (started.status !== 0 || socket === undefined || !(pid > 0)) {
    throw cliErrors["bad-option"](
      `--ssh ${id}: keys from files need ssh-agent, which cannot be started: install openssh-client, or name an agent's socket`,
    );
  }
  const close = () => {
    try {
      process.kill(pid);
    } catch {
      // It has ended already.
    }
  };
  for (const key of keys) {
    const added = spawnSync("ssh-add", ["-q", "--", key], {
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: "/bin/false", SSH_ASKPASS_REQUIRE: "force" },
    });
    if (added.status === 0) continue;
    close();
    throw cliErrors["bad-option"](`failed to parse ${key}: ${(added.stderr ?? "").trim() || "ssh-add refused it"}`);
  }
  return { id, socket, close };
}

/** Keeps a connection ready for a step that wants an agent, and joins each that is used with it. */
export async function forwardAgent(
  client: Client,
  reference: string,
  agent: ForwardedAgent,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let step: Awaited<ReturnType<Client["solve"]["agent"]>>;
    try {
      step = await client.solve.agent(reference, agent.id, { signal });
    } catch {
      // The build has ended, or will say itself what is wrong.
      return;
    }
    void join(step, agent.socket);
  }
}

async function join(step: Awaited<ReturnType<Client["solve"]["agent"]>>, path: string): Promise<void> {
  const done = Promise.withResolvers<void>();
  try {
    const agent = await Bun.connect({
      unix: path,
      socket: {
        binaryType: "uint8array",
        data: (_socket, bytes) => void step.write(bytes.slice()),
        end: () => done.resolve(),
        close: () => done.resolve(),
        error: () => done.resolve(),
      },
    });
    void (async () => {
      for (;;) {
        const bytes = await step.read();
        if (bytes === undefined) break;
        agent.write(bytes);
      }
      agent.end();
      done.resolve();
    })().catch(() => done.resolve());
    await done.promise;
  } catch {
    // Nobody listens there: the step sees its connection end.
  }
  step.destroy();
}
