/** One executable, several roles (argv[0] is the runtime, argv[1] this script). */
const [role, ...rest] = process.argv.slice(2);

// Each role is loaded on demand: the CLI's start-up must not pay for the daemon's code.
if (role === "daemon") {
  const [command] = rest;
  if (rest.includes("--help") || rest.includes("-h")) {
    const { daemonUsage } = await import("./daemon/usage.ts");
    process.stdout.write(daemonUsage);
  } else if (command === "install" || command === "uninstall") {
    const { runServiceCommand } = await import("./daemon/install.ts");
    process.exitCode = runServiceCommand(command, rest.slice(1));
  } else {
    const { runDaemon } = await import("./daemon/index.ts");
    process.exitCode = await runDaemon(rest);
  }
} else if (role === "supervisor") {
  const { runSupervisorRole } = await import("./daemon/supervisor-role.ts");
  await runSupervisorRole(rest);
} else if (role === "forwarder") {
  // Only ever started by a daemon, for published ports that the kernel cannot lead to their containers.
  const { runForwarder } = await import("./network/forward/forwarder-role.ts");
  runForwarder();
} else if (role === "guardian" && rest[0] !== undefined) {
  // Only ever started by a supervisor, on kernels that forget the exit codes of reaped processes.
  const { reapOnRequest } = await import("./supervisor/process/reap-on-request.ts");
  reapOnRequest(rest[0]);
} else {
  const { runCli } = await import("./cli/index.ts");
  // A read of standard input may still be under way; it must not keep the process.
  process.exit(await runCli(process.argv.slice(2)));
}
