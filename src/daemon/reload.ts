import { type AdjustableLogger, errorMessage, Semaphore } from "#base";
import { defaultCertificateDirectories, type RegistrySettings } from "#registry";
import type { DaemonOptions } from "./options.ts";
import { serverVersion } from "./version.ts";

/** The options in force: some of them follow `daemon.json` while the daemon runs. */
export type LiveOptions = {
  current(): DaemonOptions;
  /** Read anew by the registry client with each question. */
  readonly registries: RegistrySettings;
  readonly downloadSlots: Semaphore;
  readonly uploadSlots: Semaphore;
  /** Takes over what may change while the daemon runs; everything else stays until it is started again. */
  apply(next: DaemonOptions): void;
};

const unlimited = (count: number): number => count || Number.POSITIVE_INFINITY;

export function liveOptions(started: DaemonOptions, logger: AdjustableLogger): LiveOptions {
  let current = started;
  const downloadSlots = new Semaphore(unlimited(started.maxConcurrentDownloads));
  const uploadSlots = new Semaphore(unlimited(started.maxConcurrentUploads));
  return {
    current: () => current,
    registries: {
      get insecureRegistries() {
        return current.insecureRegistries;
      },
      get mirrors() {
        return current.registryMirrors;
      },
      get attempts() {
        return current.maxDownloadAttempts;
      },
      certificateDirectories: started.registryCerts === "" ? defaultCertificateDirectories : [started.registryCerts],
      userAgent: `berth/${serverVersion().version}`,
    },
    downloadSlots,
    uploadSlots,
    apply: (next) => {
      // What Docker's daemon reloads, and no more (moby daemon/reload.go).
      current = {
        ...current,
        logLevel: next.logLevel,
        labels: next.labels,
        shutdownTimeoutSeconds: next.shutdownTimeoutSeconds,
        maxConcurrentDownloads: next.maxConcurrentDownloads,
        maxConcurrentUploads: next.maxConcurrentUploads,
        maxDownloadAttempts: next.maxDownloadAttempts,
        insecureRegistries: next.insecureRegistries,
        registryMirrors: next.registryMirrors,
        defaultRuntime: next.defaultRuntime,
        runtimes: next.runtimes,
      };
      logger.setMinimum(current.logLevel);
      downloadSlots.setLimit(unlimited(current.maxConcurrentDownloads));
      uploadSlots.setLimit(unlimited(current.maxConcurrentUploads));
    },
  };
}

/** What the event of a reload tells, by Docker's names. */
export function reloadAttributes(options: DaemonOptions, hostName: string): Record<string, string> {
  return {
    name: hostName,
    debug: String(options.logLevel === "debug"),
    "default-runtime": options.defaultRuntime,
    "insecure-registries": JSON.stringify(options.insecureRegistries),
    labels: JSON.stringify(options.labels),
    "live-restore": "true",
    "max-concurrent-downloads": String(options.maxConcurrentDownloads),
    "max-concurrent-uploads": String(options.maxConcurrentUploads),
    "max-download-attempts": String(options.maxDownloadAttempts),
    "registry-mirrors": JSON.stringify(options.registryMirrors),
    runtimes: JSON.stringify(options.runtimes),
    "shutdown-timeout": String(options.shutdownTimeoutSeconds ?? -1),
  };
}

/** Calls `apply` with the options as they are at each SIGHUP; what is wrong with them is logged, and nothing changes. */
export function reloadOnHangUp(
  read: () => DaemonOptions,
  apply: (next: DaemonOptions) => void,
  logger: AdjustableLogger,
): void {
  process.on("SIGHUP", () => {
    try {
      apply(read());
      logger.info("configuration is loaded anew");
    } catch (error) {
      logger.error("the configuration cannot be loaded, and stays as it was", { error: errorMessage(error) });
    }
  });
}
