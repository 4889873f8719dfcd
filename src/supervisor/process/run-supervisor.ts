import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createLogger, errorMessage, type Logger } from "#base";
import { becomeSubreaper, createPoller, SYS, trySyscall } from "#linux";
import { errors } from "../errors.ts";
import { createChildren } from "./children.ts";
import { ensureGuardian, openGuardians } from "./guardian.ts";
import { openKeeper } from "./keeper.ts";
import { createProcesses, type Processes } from "./processes.ts";
import { listen, type Server } from "./server.ts";

/** How the supervisor is run (`berth supervisor`). */
export type SupervisorOptions = {
  /** Unix socket it listens on, made with mode 0600. */
  readonly socketPath: string;
  /** Its folder on the run directory: states, FIFOs, staging. One supervisor at a time. */
  readonly stateRoot: string;
  readonly logger?: Logger | undefined;
  /**
   * It ends itself after this long without a daemon and without a running process.
   * @default 30000
   */
  readonly idleExitMs?: number | undefined;
};

const LOCK_EX = 2;
const LOCK_NB = 4;
const O_CLOEXEC = 0o2000000;
const OOM_SCORE = "-500";

function lock(stateRoot: string): void {
  const fd = openSync(join(stateRoot, "supervisor.lock"), "a", 0o600);
  // Held until this process ends, however it ends; flock(2).
  if (trySyscall(SYS.flock, fd, LOCK_EX | LOCK_NB) < 0) throw errors.supervisorRunning(stateRoot);
}

/** Closes what the daemon's spawn handed down by mistake: a listening socket held here would outlive the daemon. */
function closeInherited(): void {
  for (const name of readdirSync("/proc/self/fd")) {
    const fd = Number(name);
    if (fd <= 2) continue;
    try {
      const flags = /^flags:\s*([0-7]+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1"))?.[1];
      // Whatever this program opens is close-on-exec; only inherited descriptors are not.
      if (flags !== undefined && (Number.parseInt(flags, 8) & O_CLOEXEC) === 0) closeSync(fd);
    } catch {
      // The descriptor of the listing itself.
    }
  }
}

function protectFromOom(logger: Logger): void {
  try {
    writeFileSync("/proc/self/oom_score_adj", OOM_SCORE);
  } catch (error) {
    // Needs CAP_SYS_RESOURCE; without it we run like everyone else.
    logger.debug("cannot lower oom_score_adj", { error: errorMessage(error) });
  }
}

/**
 * Runs the supervisor of a state root until it has nothing to do. Rejects with conflict when another one holds the
 * root. Resolves when it ended itself; the caller then exits.
 */
export async function runSupervisor(options: SupervisorOptions): Promise<void> {
  const { socketPath, stateRoot, idleExitMs = 30_000 } = options;
  const logger = options.logger ?? createLogger("info");
  closeInherited();
  process.umask(0o022);
  mkdirSync(stateRoot, { recursive: true, mode: 0o711 });
  ensureGuardian(stateRoot);
  const guardians = openGuardians(stateRoot, () => processes.runningPids());
  try {
    lock(stateRoot);
  } catch (error) {
    guardians.end();
    throw error;
  }
  becomeSubreaper();
  protectFromOom(logger);
  // Containers must not end because someone presses a key or a service manager stops its unit.
  for (const signal of ["SIGHUP", "SIGINT", "SIGPIPE"] as const) process.on(signal, () => {});

  const onError = (error: unknown) => logger.error("descriptor handler failed", { error: errorMessage(error) });
  process.on("uncaughtException", onError);
  process.on("unhandledRejection", onError);
  const poller = createPoller(onError);
  const keeper = openKeeper(stateRoot, poller, onError);
  const { promise: idle, resolve: becomeIdle } = Promise.withResolvers<void>();
  let idleTimer: ReturnType<typeof setTimeout> | undefined;
  let server: Server | undefined;
  const checkIdle = () => {
    clearTimeout(idleTimer);
    if (server === undefined || server.controllers > 0 || processes.runningCount > 0) return;
    idleTimer = setTimeout(() => {
      if ((server?.controllers ?? 0) === 0 && processes.runningCount === 0) becomeIdle();
    }, idleExitMs);
  };
  const children = createChildren((pid) => processes.ownsPid(pid), logger);
  const processes: Processes = createProcesses(
    { stateRoot, poller, keeper, logger },
    children,
    (exit) => {
      server?.announceExit(exit);
      // After this handler the process counts as ended.
      setTimeout(() => {
        guardians.tidy();
        checkIdle();
      }, 0);
    },
    logger,
  );
  process.on("SIGTERM", () => {
    // A machine that shuts down must not wait for us; with containers running, the keeper stays for our successor.
    if (processes.runningCount > 0) process.exit(0);
    becomeIdle();
  });
  await processes.recover();
  guardians.tidy();
  server = listen(socketPath, poller, processes, logger, checkIdle);
  logger.info("supervisor is ready", { socket: socketPath, pid: process.pid });
  checkIdle();
  await idle;
  logger.info("supervisor has nothing to do and ends");
  server.close();
  children.close();
  keeper.close();
  poller.close();
  guardians.end();
}
