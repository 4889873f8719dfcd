import type { Command } from "./command.ts";
import { refusedPaths } from "./refused/paths.ts";

type Loader = () => Promise<{ command: Command }>;

const create: Loader = () => import("./commands/create.ts");
const ps: Loader = () => import("./commands/ps.ts");
const rm: Loader = () => import("./commands/rm.ts");
const images: Loader = () => import("./commands/images.ts");
const rmi: Loader = () => import("./commands/rmi.ts");
const build: Loader = () => import("./commands/build.ts");
const volumeLs: Loader = () => import("./commands/volume-ls.ts");
const volumeRm: Loader = () => import("./commands/volume-rm.ts");
const contextLs: Loader = () => import("./commands/context-ls.ts");
const contextRm: Loader = () => import("./commands/context-rm.ts");
const pluginLs: Loader = () => import("./commands/plugin-ls.ts");
const networkLs: Loader = () => import("./commands/network-ls.ts");
const networkRm: Loader = () => import("./commands/network-rm.ts");

/** The commands about one container that have a short and a long name. */
const containerCommands = {
  attach: () => import("./commands/attach.ts"),
  commit: () => import("./commands/commit.ts"),
  cp: () => import("./commands/cp.ts"),
  create,
  diff: () => import("./commands/diff.ts"),
  exec: () => import("./commands/exec.ts"),
  export: () => import("./commands/export.ts"),
  kill: () => import("./commands/kill.ts"),
  logs: () => import("./commands/logs.ts"),
  pause: () => import("./commands/pause.ts"),
  port: () => import("./commands/port.ts"),
  ps,
  rename: () => import("./commands/rename.ts"),
  restart: () => import("./commands/restart.ts"),
  rm,
  run: () => import("./commands/run.ts"),
  start: () => import("./commands/start.ts"),
  stats: () => import("./commands/stats.ts"),
  stop: () => import("./commands/stop.ts"),
  top: () => import("./commands/top.ts"),
  unpause: () => import("./commands/unpause.ts"),
  update: () => import("./commands/update.ts"),
  wait: () => import("./commands/wait.ts"),
} as const satisfies Record<string, Loader>;

const imageCommands = {
  build,
  history: () => import("./commands/history.ts"),
  import: () => import("./commands/import.ts"),
  load: () => import("./commands/load.ts"),
  pull: () => import("./commands/pull.ts"),
  push: () => import("./commands/push.ts"),
  save: () => import("./commands/save.ts"),
  tag: () => import("./commands/tag.ts"),
} as const satisfies Record<string, Loader>;

const systemCommands = {
  events: () => import("./commands/events.ts"),
  info: () => import("./commands/info.ts"),
} as const satisfies Record<string, Loader>;

const builderCommands = {
  build,
  du: () => import("./commands/builder-du.ts"),
  "history inspect": () => import("./commands/builder-history-inspect.ts"),
  "history logs": () => import("./commands/builder-history-logs.ts"),
  "history ls": () => import("./commands/builder-history-ls.ts"),
  "history rm": () => import("./commands/builder-history-rm.ts"),
  "mounts export": () => import("./commands/builder-mounts-export.ts"),
  "mounts import": () => import("./commands/builder-mounts-import.ts"),
  "mounts ls": () => import("./commands/builder-mounts-ls.ts"),
  prune: () => import("./commands/builder-prune.ts"),
} as const satisfies Record<string, Loader>;

function under(group: string, commands: Readonly<Record<string, Loader>>): Record<string, Loader> {
  return Object.fromEntries(Object.entries(commands).map(([name, load]) => [`${group} ${name}`, load]));
}

/** Commands an engine of one machine cannot carry out; the aliases of docker's lists and removals too. */
function refused(): Record<string, Loader> {
  const loaders: Record<string, Loader> = {};
  for (const [group, names] of Object.entries(refusedPaths)) {
    for (const name of names.split(" ")) {
      const path = `${group} ${name}`;
      const load: Loader = async () => ({ command: (await import("./refused/commands.ts")).refusedCommand(path) });
      loaders[path] = load;
      if (name === "ls" && group !== "swarm") loaders[`${group} list`] = load;
      if (name === "rm") loaders[`${group} remove`] = load;
    }
  }
  return loaders;
}

/** Every way to call a command → the file that declares it. Nothing is loaded before it is called. */
export const commandLoaders: Readonly<Record<string, Loader>> = {
  ...containerCommands,
  ...imageCommands,
  ...systemCommands,
  images,
  rmi,
  search: () => import("./commands/search.ts"),
  inspect: () => import("./commands/inspect.ts"),
  version: () => import("./commands/version.ts"),
  completion: () => import("./commands/completion.ts"),
  __complete: () => import("./commands/complete.ts"),
  ...under("container", containerCommands),
  "container inspect": () => import("./commands/container-inspect.ts"),
  "container list": ps,
  "container ls": ps,
  "container prune": () => import("./commands/container-prune.ts"),
  "container remove": rm,
  ...under("image", imageCommands),
  "context create": () => import("./commands/context-create.ts"),
  "context export": () => import("./commands/context-export.ts"),
  "context import": () => import("./commands/context-import.ts"),
  "context inspect": () => import("./commands/context-inspect.ts"),
  "context list": contextLs,
  "context ls": contextLs,
  "context remove": contextRm,
  "context rm": contextRm,
  "context show": () => import("./commands/context-show.ts"),
  "context update": () => import("./commands/context-update.ts"),
  "context use": () => import("./commands/context-use.ts"),
  login: () => import("./commands/login.ts"),
  logout: () => import("./commands/logout.ts"),
  "manifest annotate": () => import("./commands/manifest-annotate.ts"),
  "manifest create": () => import("./commands/manifest-create.ts"),
  "manifest inspect": () => import("./commands/manifest-inspect.ts"),
  "manifest push": () => import("./commands/manifest-push.ts"),
  "manifest rm": () => import("./commands/manifest-rm.ts"),
  "image bootstrap": () => import("./commands/image-bootstrap.ts"),
  "image inspect": () => import("./commands/image-inspect.ts"),
  "image list": images,
  "image ls": images,
  "image prune": () => import("./commands/image-prune.ts"),
  "image remove": rmi,
  "image rm": rmi,
  ...under("builder", builderCommands),
  ...under("buildx", builderCommands),
  "buildx b": build,
  "buildx inspect": () => import("./commands/buildx-inspect.ts"),
  "buildx ls": () => import("./commands/buildx-ls.ts"),
  "buildx version": () => import("./commands/buildx-version.ts"),
  "network connect": () => import("./commands/network-connect.ts"),
  "network create": () => import("./commands/network-create.ts"),
  "network disconnect": () => import("./commands/network-disconnect.ts"),
  "network inspect": () => import("./commands/network-inspect.ts"),
  "network list": networkLs,
  "network ls": networkLs,
  "network prune": () => import("./commands/network-prune.ts"),
  "network remove": networkRm,
  "network rm": networkRm,
  "registry htpasswd": () => import("./commands/registry-htpasswd.ts"),
  "registry serve": () => import("./commands/registry-serve.ts"),
  ...under("system", systemCommands),
  "system dial-stdio": () => import("./commands/system-dial-stdio.ts"),
  "system check": () => import("./commands/system-check.ts"),
  "system df": () => import("./commands/system-df.ts"),
  "system prune": () => import("./commands/system-prune.ts"),
  "volume create": () => import("./commands/volume-create.ts"),
  "volume inspect": () => import("./commands/volume-inspect.ts"),
  "volume list": volumeLs,
  "volume ls": volumeLs,
  "volume prune": () => import("./commands/volume-prune.ts"),
  "volume remove": volumeRm,
  "volume rm": volumeRm,
  "plugin list": pluginLs,
  "plugin ls": pluginLs,
  ...refused(),
};

/** What each group of commands is about. */
export const groups: Readonly<Record<string, string>> = {
  builder: "Manage builds",
  "builder history": "Commands to work on build records",
  "builder mounts": "Commands to work on the cache mounts of builds",
  buildx: "Build with the words of Docker's plugin",
  "buildx history": "Commands to work on build records",
  "buildx mounts": "Commands to work on the cache mounts of builds",
  checkpoint: "Manage checkpoints",
  config: "Manage Swarm configs",
  container: "Manage containers",
  context: "Manage contexts",
  image: "Manage images",
  manifest: "Manage image manifests and manifest lists",
  network: "Manage networks",
  node: "Manage Swarm nodes",
  plugin: "Manage plugins",
  registry: "Serve a registry",
  secret: "Manage Swarm secrets",
  service: "Manage Swarm services",
  stack: "Manage Swarm stacks",
  swarm: "Manage Swarm",
  system: "Manage Berth",
  trust: "Manage trust on images",
  "trust key": "Manage keys for signing images",
  "trust signer": "Manage entities who can sign images",
  volume: "Manage volumes",
};

/** Groups whose commands no engine of one machine can carry out: they answer, and are not listed. */
export const hiddenGroups: ReadonlySet<string> = new Set([
  "checkpoint",
  "config",
  "node",
  "secret",
  "service",
  "stack",
  "swarm",
  "trust",
  "trust key",
  "trust signer",
]);

/** Commands that work and are not listed: nobody calls them by hand. */
export const hiddenCommands: ReadonlySet<string> = new Set(["__complete", "system dial-stdio", "volume update"]);

/** Shown first in the overview. */
export const mainCommands: readonly string[] = ["run", "exec", "ps", "build", "pull", "images", "version", "info"];
