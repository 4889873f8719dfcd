import type { Container } from "./container.ts";
import type { ContainerParts } from "./parts.ts";

/** Whether the policy brings a container back after it ended by itself (moby `restartmanager`). */
export function shouldRestart(container: Container): boolean {
  const { life, document } = container;
  if (life.manuallyStopped || container.removing) return false;
  const policy = document.hostConfig.RestartPolicy;
  switch (policy?.Name) {
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure": {
      const maximum = policy.MaximumRetryCount ?? 0;
      return life.exitCode !== 0 && (maximum === 0 || life.restartCount < maximum);
    }
    case "":
    case "no":
    case null:
    case undefined:
      return false;
  }
}

/** Whether a daemon that starts brings a stopped container back. */
export function restartsWithDaemon(container: Container): boolean {
  const { life, document } = container;
  if (!life.everStarted) return false;
  const name = document.hostConfig.RestartPolicy?.Name;
  if (name === "always") return true;
  return shouldRestart(container);
}

/** Ends a pending back-off; the container counts as exited. True when there was one. */
export function cancelRestart(parts: ContainerParts, container: Container): boolean {
  if (container.life.status !== "restarting") return false;
  clearTimeout(container.restartTimer);
  container.restartTimer = undefined;
  container.life.status = "exited";
  parts.registry.saveLife(container);
  const notice = { exitCode: container.life.exitCode };
  for (const waiter of [...container.exitWaiters]) waiter(notice);
  return true;
}
