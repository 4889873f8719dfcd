/** What a command left behind. */
export type CommandResult = {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type CommandOptions = {
  readonly environment?: Readonly<Record<string, string>>;
  readonly directory?: string;
  /** Standard input; none when absent. */
  readonly input?: string | Uint8Array;
  /** @default 60_000 */
  readonly timeoutMs?: number;
};

/** Runs a command to its end. Never rejects for an exit code; a command that outlives its time is killed (exit 137). */
export async function runCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const input = typeof options.input === "string" ? new TextEncoder().encode(options.input) : options.input;
  const child = Bun.spawn([...command], {
    cwd: options.directory,
    env: { ...process.env, ...options.environment },
    stdin: input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: options.timeoutMs ?? 60_000,
    killSignal: "SIGKILL",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return { exitCode, stdout, stderr };
}

/** Runs a command that must succeed and returns its standard output; throws with all it said otherwise. */
export async function mustRun(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await runCommand(command, options);
  if (result.exitCode !== 0) {
    throw new Error(`${command.join(" ")}: exit ${result.exitCode}\n${result.stdout}${result.stderr}`);
  }
  return result.stdout;
}

/** Calls `probe` until it returns something other than undefined or false; throws with `what` when the time is up. */
export async function eventually<Value>(
  what: string,
  probe: () => Value | undefined | false | Promise<Value | undefined | false>,
  timeoutMs = 10_000,
): Promise<Value> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > deadline) throw new Error(`timed out after ${timeoutMs} ms waiting for ${what}`);
    await Bun.sleep(20);
  }
}
