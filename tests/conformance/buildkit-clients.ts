import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type CommandOptions, type CommandResult, runCommand } from "../engines/command.ts";
import { type Daemon, uniqueName } from "./daemon.ts";

const clients = join(import.meta.dir, "../../.cache/buildkit-clients");
const newDocker = join(clients, "new/usr/bin/docker");
const plugins = join(clients, "new/usr/libexec/docker/cli-plugins");
const oldDocker = join(clients, "old/usr/bin/docker");

/** Docker's commands that speak BuildKit's protocol, each in its own way. */
export type BuildKitClients = {
  /** `docker` with buildx and Compose: `/grpc` and `/session`. */
  docker(words: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** `docker` 20.10 with DOCKER_BUILDKIT=1: `/session` and `POST /build?version=2`. */
  old(words: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** `berth`. */
  berth(words: readonly string[], options?: CommandOptions): Promise<CommandResult>;
  /** The environment of all of them. */
  environment(): Readonly<Record<string, string>>;
  /** A directory of files. */
  folder(files: Readonly<Record<string, string>>): string;
};

/** The clients, set up for a daemon. Throws, plainly, when they were not fetched. */
export function buildKitClients(daemon: Daemon): BuildKitClients {
  const environment = () => {
    for (const path of [newDocker, oldDocker, join(plugins, "docker-buildx"), join(plugins, "docker-compose")]) {
      if (!existsSync(path)) throw new Error(`${path} is missing: run scripts/buildkit-clients`);
    }
    const configuration = join(daemon.directory, "buildkit-config");
    if (!existsSync(configuration)) {
      mkdirSync(join(configuration, "cli-plugins"), { recursive: true });
      for (const name of ["docker-buildx", "docker-compose"]) {
        symlinkSync(join(plugins, name), join(configuration, "cli-plugins", name));
      }
    }
    return {
      ...daemon.environment,
      DOCKER_CONFIG: configuration,
      BUILDX_CONFIG: join(configuration, "buildx"),
      BUILDX_NO_DEFAULT_ATTESTATIONS: "1",
      BUILDX_GIT_INFO: "false",
      BUILDKIT_PROGRESS: "plain",
      // Compose builds through buildx's bake, which otherwise asks about paths outside of the project.
      BUILDX_BAKE_ENTITLEMENTS_FS: "0",
    };
  };
  const run =
    (program: string, more: Readonly<Record<string, string>>) =>
    (words: readonly string[], options: CommandOptions = {}) =>
      runCommand([program, ...words], {
        timeoutMs: 30_000,
        ...options,
        environment: { ...environment(), ...more, ...options.environment },
      });
  return {
    environment,
    docker: run(newDocker, { DOCKER_BUILDKIT: "1" }),
    old: run(oldDocker, { DOCKER_BUILDKIT: "1" }),
    berth: run(join(import.meta.dir, "../../bin/berth"), { DOCKER_BUILDKIT: "1" }),
    folder: (files) => {
      const folder = join(daemon.directory, uniqueName("files"));
      mkdirSync(folder, { recursive: true });
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
      return folder;
    },
  };
}
