import { defineErrors } from "#base";

/** Errors of `src/engine`. Wording is Docker's where clients match on it. */
export const errors = defineErrors({
  imageReferenceBad: { kind: "invalid", message: (why: string) => why },
  imageNotUsable: { kind: "invalid", message: (name: string, why: string) => `cannot use ${name}: ${why}` },
  imageNoPlatform: {
    kind: "not-found",
    message: (platform: string, offered: string) =>
      `no matching manifest for ${platform} in the manifest list entries${offered === "" ? "" : `: it has ${offered}`}`,
    hint: () => "Choose one with --platform",
  },
  imageOtherPlatform: {
    kind: "not-found",
    message: (name: string, wanted: string, actual: string) =>
      `image with reference ${name} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  },
  pushImageMissing: {
    kind: "not-found",
    message: (name: string) => `An image does not exist locally with the tag: ${name}`,
    hint: () => "`berth images` lists the images there are; `berth tag` gives one another name",
  },
  pushTagMissing: { kind: "not-found", message: (name: string) => `tag does not exist: ${name}` },
  containerUnnamed: { kind: "invalid", message: () => 'invalid name or ID supplied: ""' },
  containerNotFound: {
    kind: "not-found",
    message: (reference: string) => `No such container: ${reference}`,
    hint: () => "`berth ps -a` lists the containers there are",
  },
  containerAmbiguous: {
    kind: "invalid",
    message: (reference: string) => `multiple IDs found with provided prefix: ${reference}`,
    hint: () => "give more digits of the id, or the name",
  },
  platformMismatch: {
    kind: "not-found",
    message: (reference: string, wanted: string, actual: string) =>
      `image with reference ${reference} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  },
  nameInvalid: {
    kind: "invalid",
    message: (name: string) => `Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  },
  nameTaken: {
    kind: "conflict",
    message: (name: string, holder: string) =>
      `Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
    hint: (name: string) => `\`berth rm -f ${name}\` removes the other container`,
  },
  renameTaken: {
    kind: "conflict",
    message: (name: string, holder: string) =>
      `Error when allocating new name: Conflict. The container name "/${name}" is already in use by container "${holder}". You have to remove (or rename) that container to be able to reuse that name.`,
  },
  renameSame: {
    kind: "invalid",
    message: () => "Renaming a container with the same name as its current name",
  },
  renameEmpty: { kind: "invalid", message: () => "Neither old nor new names may be empty" },
  noCommand: {
    kind: "invalid",
    message: () => "no command specified",
    hint: () => "the image sets no CMD or ENTRYPOINT: name a command after the image",
  },
  alreadyStarted: { kind: "not-modified", message: (name: string) => `container ${name} is already running` },
  alreadyStopped: { kind: "not-modified", message: (name: string) => `container ${name} is already stopped` },
  startPaused: {
    kind: "conflict",
    message: () => "cannot start a paused container, try unpause instead",
  },
  startDead: {
    kind: "conflict",
    message: () => "container is marked for removal and cannot be started",
  },
  notRunning: {
    kind: "conflict",
    message: (id: string) => `container ${id} is not running`,
    hint: (id: string) => `\`berth start ${id.slice(0, 12)}\` starts it`,
  },
  killNotRunning: {
    kind: "conflict",
    message: (reference: string, id: string) => `cannot kill container: ${reference}: container ${id} is not running`,
  },
  signalInvalid: { kind: "invalid", message: (signal: string) => `invalid signal: ${signal}` },
  paused: {
    kind: "conflict",
    message: (id: string) => `container ${id} is paused, unpause the container before exec`,
  },
  alreadyPaused: { kind: "conflict", message: (id: string) => `container ${id} is already paused` },
  restarting: {
    kind: "conflict",
    message: (id: string) => `container ${id} is restarting, wait until the container is running`,
  },
  notPaused: { kind: "internal", message: (id: string) => `Container ${id} is not paused` },
  attachPaused: {
    kind: "conflict",
    message: (id: string) => `container ${id} is paused, unpause the container before attach`,
  },
  attachRestarting: {
    kind: "conflict",
    message: (id: string) => `container ${id} is restarting, wait until the container is running`,
  },
  removeRunning: {
    kind: "conflict",
    message: (name: string) =>
      `cannot remove container "/${name}": container is running: stop the container before removing or force remove`,
    hint: (name: string) => `\`berth stop ${name}\` first, or \`berth rm -f ${name}\``,
  },
  removePaused: {
    kind: "conflict",
    message: (name: string) => `cannot remove container "/${name}": container is paused and must be unpaused first`,
  },
  removeInProgress: {
    kind: "conflict",
    message: (id: string) => `removal of container ${id} is already in progress`,
  },
  autoRemoveWithPolicy: {
    kind: "invalid",
    message: () => "can't create 'AutoRemove' container with restart policy",
  },
  restartPolicyUpdateAutoRemove: {
    kind: "invalid",
    message: () => "Restart policy cannot be updated because AutoRemove is enabled for the container",
  },
  restartPolicyCount: {
    kind: "invalid",
    message: (negative: boolean) =>
      `invalid restart policy: maximum retry count can only be used with 'on-failure'${negative ? " and cannot be negative" : ""}`,
  },
  restartPolicyNegative: {
    kind: "invalid",
    message: () => "invalid restart policy: maximum retry count cannot be negative",
  },
  hostnameInvalid: { kind: "invalid", message: (hostname: string) => `invalid hostname format: ${hostname}` },
  workingDirectoryRelative: {
    kind: "invalid",
    message: (directory: string) => `the working directory '${directory}' is invalid, it needs to be an absolute path`,
  },
  configEmpty: { kind: "invalid", message: () => "config cannot be empty in order to create a container" },
  annotationEmpty: {
    kind: "invalid",
    message: () => "invalid Annotations: the empty string is not permitted as an annotation key",
  },
  environmentInvalid: { kind: "invalid", message: (variable: string) => `invalid environment variable: ${variable}` },
  healthInvalid: {
    kind: "invalid",
    message: (what: string) => `${what} in Healthcheck cannot be less than 1ms`,
  },
  healthRetriesNegative: { kind: "invalid", message: () => "Retries in Healthcheck cannot be negative" },
  optionsConflict: { kind: "invalid", message: (what: string) => `conflicting options: ${what}` },
  linkInvalid: { kind: "invalid", message: (link: string) => `bad format for links: ${link}` },
  linkMissing: {
    kind: "invalid",
    message: (name: string) => `could not get container for ${name}: No such container: ${name}`,
  },
  linkOfHost: {
    kind: "invalid",
    message: () =>
      "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  },
  linkNotRunning: {
    kind: "conflict",
    message: (child: string, alias: string) => `Cannot link to a non running container: /${child} AS ${alias}`,
    hint: (child: string) => `\`berth start ${child}\` first`,
  },
  linkUnknown: {
    kind: "not-found",
    message: (parent: string, alias: string) => `no link ${alias} of container ${parent}`,
  },
  aliasNotAllowed: {
    kind: "invalid",
    message: () =>
      "invalid endpoint settings:\nnetwork-scoped alias is supported only for containers in user defined networks",
    hint: () => "Make a network with `berth network create` and use it",
  },
  macAddressMismatch: {
    kind: "invalid",
    message: () =>
      "the container-wide MAC address must match the endpoint-specific MAC address for the main network, or be left empty",
  },
  sharedNamespace: {
    kind: "invalid",
    message: () =>
      "container sharing network namespace with another container or host cannot be connected to any other network",
  },
  networkNoneAmongOthers: {
    kind: "invalid",
    message: () => "container cannot be connected to multiple networks with one of the networks in private (none) mode",
  },
  networkHostLater: {
    kind: "invalid",
    message: () => "cannot connect container to host network - container must be created in host network mode",
  },
  networkHostLeave: {
    kind: "invalid",
    message: () => "cannot disconnect container from host network - container was created in host network mode",
  },
  notConnected: {
    kind: "forbidden",
    message: (container: string, network: string) => `container ${container} is not connected to ${network}`,
  },
  networkOfRemoved: {
    kind: "conflict",
    message: (container: string) =>
      `Container ${container} is marked for removal and cannot be connected or disconnected to the network`,
  },
  joinSelf: { kind: "invalid", message: (kind: string) => `cannot join own ${kind} namespace` },
  joinMissing: {
    kind: "invalid",
    message: (reference: string) => `No such container: ${reference}`,
    hint: () => "`berth ps -a` lists the containers there are",
  },
  joinNotRunning: {
    kind: "conflict",
    message: (kind: string, id: string) => `cannot join ${kind} of a non running container: ${id}`,
  },
  joinUserNamespace: {
    kind: "conflict",
    message: (kind: string, id: string) => `cannot join ${kind} of container ${id}: it runs in another user namespace`,
    hint: () => "Containers share namespaces only within one user namespace: give all of them --userns=host, or none.",
  },
  userNamespaceFailed: {
    kind: "unavailable",
    message: (reason: string) => `cannot make a user namespace: ${reason}`,
    hint: () => "See user.max_user_namespaces in /proc/sys, and --userns=host.",
  },
  remappedPrivileged: {
    kind: "invalid",
    message: () =>
      "privileged mode is incompatible with user namespaces.  You must run the container in the host namespace when running privileged mode",
  },
  remappedHostNetwork: {
    kind: "invalid",
    message: () => "cannot share the host's network namespace when user namespaces are enabled",
  },
  remappedHostPid: {
    kind: "invalid",
    message: () => "cannot share the host PID namespace when user namespaces are enabled",
  },
  modeInvalid: { kind: "invalid", message: (kind: string, mode: string) => `invalid ${kind} mode: ${mode}` },
  mountInvalid: {
    kind: "invalid",
    message: (type: string, reason: string) => `invalid mount config for type "${type}": ${reason}`,
  },
  bindInvalid: {
    kind: "invalid",
    message: (specification: string) => `invalid volume specification: '${specification}'`,
    hint: () => "the form is SOURCE:DESTINATION[:OPTIONS], with an absolute path or a volume name as SOURCE",
  },
  bindTargetInvalid: {
    kind: "invalid",
    message: (specification: string, type: string, reason: string) =>
      `invalid volume specification: '${specification}': invalid mount config for type "${type}": ${reason}`,
  },
  bindModeInvalid: { kind: "invalid", message: (mode: string) => `invalid mode: ${mode}` },
  mountDestinationRoot: {
    kind: "invalid",
    message: () => `invalid volume specification: destination can't be '/'`,
  },
  mountDestinationRelative: {
    kind: "invalid",
    message: (path: string) => `invalid mount path: '${path}' mount path must be absolute`,
  },
  mountDuplicate: { kind: "invalid", message: (destination: string) => `Duplicate mount point: ${destination}` },
  mountSourceCreate: {
    kind: "internal",
    message: (path: string, reason: string) => `error while creating mount source path '${path}': ${reason}`,
  },
  volumesFromInvalid: {
    kind: "invalid",
    message: (specification: string) => `invalid volumesFrom specification: '${specification}'`,
  },
  // Not not-found: clients would take it for the container's own image and pull that.
  mountImageMissing: { kind: "invalid", message: (name: string) => `No such image: ${name}` },
  // Likewise.
  volumeDriverMissing: { kind: "invalid", message: (reason: string) => reason },
  subpathMissing: {
    kind: "invalid",
    message: (path: string) => `cannot access path ${path}: no such file or directory`,
    hint: () => "A subpath must exist in the volume or image before it is mounted.",
  },
  tmpfsOptionInvalid: { kind: "invalid", message: (option: string) => `invalid tmpfs option ["${option}"]` },
  mountNotShared: {
    kind: "invalid",
    message: (path: string, mountPoint: string, what: string) =>
      `path ${path} is mounted on ${mountPoint} but it is not a ${what} mount`,
    hint: () => "mount --make-shared on the host makes it one.",
  },
  recursiveReadOnly: {
    kind: "unsupported",
    message: (path: string, why: string) => `mount ${path} cannot be made read-only recursively: ${why}`,
  },
  volumeInUse: {
    kind: "conflict",
    message: (name: string, holders: readonly string[]) => `remove ${name}: volume is in use - [${holders.join(", ")}]`,
    hint: () => "remove the containers first; stopped ones count too",
  },
  portSpecInvalid: { kind: "invalid", message: (text: string) => `invalid port specification: "${text}"` },
  hostPortInvalid: { kind: "invalid", message: (text: string) => `invalid port specification: "${text}"` },
  hostIpInvalid: { kind: "invalid", message: (text: string) => `invalid IP address: ${text}` },
  logsUnreadable: {
    kind: "unsupported",
    message: () => "configured logging driver does not support reading",
  },
  logsRemoving: {
    kind: "conflict",
    message: () => "can not get logs from container which is dead or marked for removal",
  },
  unsupportedOption: {
    kind: "unsupported",
    message: (option: string, why: string) => `${option} cannot be used: ${why}`,
  },
  rangeExceeded: { kind: "invalid", message: (sentence: string) => sentence },
  initMissing: {
    kind: "unavailable",
    message: () => "no init program for --init was found on this host",
    hint: () => "install tini or catatonit",
  },
  pathNotFound: {
    kind: "not-found",
    message: (path: string, id: string) => `Could not find the file ${path} in container ${id}`,
  },
  extractionPoint: { kind: "invalid", message: () => "extraction point is not a directory" },
  volumeReadOnly: { kind: "invalid", message: () => "mounted volume is marked read-only" },
  rootReadOnly: { kind: "invalid", message: () => "container rootfs is marked read-only" },
  ipcNotShareable: {
    kind: "conflict",
    message: (id: string) =>
      `cannot join IPC of a container ${id}: non-shareable IPC (hint: use IpcMode:shareable for the donor container)`,
  },
  psFailed: { kind: "invalid", message: (reason: string) => `Error running ps: ${reason}` },
  psWithoutPid: {
    kind: "invalid",
    message: () => "Couldn't find PID field in ps output",
    hint: () => "the ps arguments must keep the PID column",
  },
  execNotFound: { kind: "not-found", message: (id: string) => `No such exec instance: ${id}` },
  execAlreadyRun: { kind: "conflict", message: (id: string) => `exec ${id} has already run` },
  execNoCommand: { kind: "invalid", message: () => "No exec command specified" },
  execNotRunning: { kind: "conflict", message: (id: string) => `exec ${id} is not running` },
  stopTimedOut: {
    kind: "timeout",
    message: (reference: string) => `container ${reference} did not exit after SIGKILL`,
  },
  updateSwap: {
    kind: "invalid",
    message: () =>
      "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
  },
  updateCgroupParent: {
    kind: "invalid",
    message: (id: string) => `Cannot update container ${id}: its control group cannot be moved to another parent`,
    hint: () => "Create the container anew with --cgroup-parent",
  },
  updateStopped: {
    kind: "conflict",
    message: (id: string) => `Cannot update container ${id}: Container is marked for removal and cannot be "update".`,
  },
});
