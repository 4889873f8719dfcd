import { defineErrors } from "#base";

/*
 * Clients and people match on the classic builder's sentences, so these quote them: "dockerfile parse error on line N",
 * "The command '…' returned a non-zero code: N", "failed to reach build target", "file not found in build context".
 */
export const errors = defineErrors({
  "build-dockerfile-syntax": {
    kind: "invalid",
    message: (file: string, line: number, reason: string) =>
      file === "Dockerfile"
        ? `dockerfile parse error on line ${line}: ${reason}`
        : `dockerfile parse error on line ${line} of ${file}: ${reason}`,
    hint: (file: string, line: number) => `Look at ${file}:${line}.`,
  },
  "build-expansion-failed": {
    kind: "invalid",
    message: (word: string, reason: string) => `failed to process ${JSON.stringify(word)}: ${reason}`,
  },
  "build-step-invalid": {
    kind: "invalid",
    message: (file: string, line: number, reason: string) => `${file}:${line}: ${reason}`,
  },
  "build-frontend": {
    kind: "unsupported",
    message: (file: string, line: number, frontend: string) =>
      `${file}:${line}: the frontend ${JSON.stringify(frontend)} is not supported: this builder reads Dockerfiles only`,
    hint: () => "Take the '# syntax=' line out, or let it name docker/dockerfile, which is built in.",
  },
  "build-dockerfile-missing": {
    kind: "invalid",
    message: (file: string) =>
      `Cannot locate specified Dockerfile: ${file}: it is not in the build context or is outside of it`,
    hint: () => `Name the Dockerfile with -f, relative to the context directory.`,
  },
  "build-dockerfile-empty": {
    kind: "invalid",
    message: (file: string) => `the Dockerfile (${file}) cannot be empty`,
  },
  "build-no-stage": {
    kind: "invalid",
    message: () => "No image was generated. Is your Dockerfile empty?",
  },
  "build-target-unknown": {
    kind: "invalid",
    message: (target: string, _stages: string) => `failed to reach build target ${target} in Dockerfile`,
    hint: (_target: string, stages: string) => `Stages of this Dockerfile: ${stages}.`,
  },
  "build-target-not-found": {
    kind: "invalid",
    message: (target: string, hint: string) => `target stage ${JSON.stringify(target)} could not be found${hint}`,
  },
  "build-checks-failed": {
    kind: "invalid",
    message: (violation: string) => violation,
    hint: () => `Mend what the checks found, or name the rules in "# check=skip=…" at the top of the Dockerfile.`,
  },
  "build-context-unsupported": {
    kind: "unsupported",
    message: (remote: string) => `Cannot build from the remote context ${JSON.stringify(remote)}`,
    hint: () => "Send a directory or a tar archive as the context; contexts from git and URLs are not supported.",
  },
  "build-context-invalid": {
    kind: "invalid",
    message: (reason: string) => `Cannot read the build context: ${reason}`,
  },
  "build-image-unresolved": {
    kind: "invalid",
    message: (file: string, line: number, reason: string, _hint: string) => `${file}:${line}: ${reason}`,
    hint: (_file: string, _line: number, _reason: string, hint: string) => hint,
  },
  "build-layout-invalid": {
    kind: "invalid",
    message: (name: string, reason: string) => `Cannot read the OCI layout ${JSON.stringify(name)}: ${reason}`,
  },
  "build-option-unsupported": {
    kind: "unsupported",
    message: (option: string, reason: string) => `Cannot build with ${option}: ${reason}`,
  },
  "build-option-invalid": {
    kind: "invalid",
    message: (option: string, reason: string) => `invalid ${option}: ${reason}`,
  },
  "build-squash": {
    kind: "invalid",
    message: () => "squash is only supported with experimental mode",
  },
  "build-platform-mismatch": {
    kind: "unsupported",
    message: (image: string, wanted: string, actual: string) =>
      `image with reference ${image} was found but does not match the specified platform: wanted ${wanted}, actual: ${actual}`,
  },
  "build-platform-not-runnable": {
    kind: "unsupported",
    message: (platform: string, host: string) => `Cannot run commands of ${platform} on this ${host} machine`,
    hint: () =>
      "Install emulators (qemu-user-static and binfmt-support), or build with FROM --platform=$BUILDPLATFORM and cross-compile.",
  },
  "build-no-stages": {
    kind: "invalid",
    message: () => "dockerfile contains no stages to build",
    hint: () => "A Dockerfile needs a FROM.",
  },
  "build-copy-source-missing": {
    kind: "invalid",
    message: (instruction: string, path: string) =>
      `${instruction} failed: file not found in build context or excluded by .dockerignore: stat ${path}: file does not exist`,
  },
  "build-copy-stage-source-missing": {
    kind: "invalid",
    message: (instruction: string, path: string, from: string) =>
      `${instruction} failed: stat ${path}: no such file or directory in ${from}`,
  },
  "build-copy-invalid": {
    kind: "invalid",
    message: (instruction: string, reason: string) => `${instruction} failed: ${reason}`,
  },
  "build-download-failed": {
    kind: "unavailable",
    message: (url: string, reason: string) => `ADD failed: failed to GET ${url}: ${reason}`,
  },
  "build-git-checksum": {
    kind: "invalid",
    message: (remote: string, wanted: string, found: string) =>
      `failed to fetch the git repository ${remote}: expected checksum to match ${wanted}, got ${found}`,
  },
  "build-git-failed": {
    kind: "unavailable",
    message: (remote: string, reason: string) => `failed to fetch the git repository ${remote}: ${reason}`,
    hint: () => "The host needs git, and the repository must be readable without a password prompt.",
  },
  "build-source-missing": {
    kind: "invalid",
    message: (path: string, _reason: string, tree: string) =>
      `failed to compute cache key: failed to calculate checksum of ref ${tree}: "${path}": not found`,
    hint: (_path: string, reason: string) => reason,
  },
  "build-process-failed": {
    kind: "invalid",
    message: (command: string, exitCode: number, _hint?: string) =>
      `process ${JSON.stringify(command)} did not complete successfully: exit code: ${exitCode}`,
    hint: (_command: string, _exitCode: number, hint = "") => hint,
  },
  "build-secret-missing": {
    kind: "invalid",
    message: (id: string) => `secret ${id}: not found`,
    hint: (id: string) => `Give it with --secret id=${id},src=FILE or --secret id=${id},env=NAME.`,
  },
  "build-secret-too-large": {
    kind: "invalid",
    message: (id: string) => `secret ${id} is larger than 500 KiB`,
  },
  "build-agent-missing": {
    kind: "invalid",
    message: (id: string) => `unset ssh forward key ${id}`,
    hint: (id: string) => `Give it with --ssh ${id}, or --ssh ${id}=SOCKET.`,
  },
  "build-entitlement-missing": {
    kind: "forbidden",
    message: (entitlement: string) => `${entitlement} is not allowed`,
    hint: (entitlement: string) => `Build with --allow ${entitlement}.`,
  },
  "build-cache-mount-missing": {
    kind: "not-found",
    message: (id: string) => `No such cache mount: ${id}`,
    hint: () => "berth builder mounts ls shows what there is.",
  },
  "build-cache-mount-busy": {
    kind: "conflict",
    message: (id: string) => `The cache mount ${id} is in use by a step of a build`,
  },
  "build-disk-full": {
    kind: "exhausted",
    message: (step: string) => `There is no space left on the disk for ${step}`,
    hint: () => "Free space, for example with berth builder prune, and build again: finished steps are kept.",
  },
  "build-command-failed": {
    kind: "invalid",
    message: (command: string, exitCode: number, _hint?: string) =>
      `The command '${command}' returned a non-zero code: ${exitCode}`,
    hint: (_command: string, _exitCode: number, hint = "") => hint,
  },
  "build-command-out-of-memory": {
    kind: "exhausted",
    message: (command: string, exitCode: number) =>
      `The command '${command}' returned a non-zero code: ${exitCode}: it was killed for lack of memory`,
    hint: () => "Raise the build's memory limit (--memory) or let the step use less.",
  },
  "build-cancelled": {
    kind: "cancelled",
    message: () => "Build cancelled",
  },
  "build-change-invalid": {
    kind: "invalid",
    message: (reason: string) => reason,
  },
  "build-change-forbidden": {
    kind: "invalid",
    message: (keyword: string) => `${keyword} is not a valid change command`,
  },
});
