import type { RuntimeMount } from "#formats";
import type { SpecInput } from "./build-spec.ts";

/** The file systems every container gets (moby `daemon/pkg/oci/defaults.go`); privileged ones may write to /sys. */
export function defaultMounts(
  input: Pick<SpecInput, "privileged" | "writableCgroups" | "shm" | "user" | "namespaces">,
): RuntimeMount[] {
  const writable = input.privileged ? "rw" : "ro";
  const mounts: RuntimeMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: ["nosuid", "noexec", "nodev"] },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", writable] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: [input.writableCgroups ? "rw" : "ro", "nosuid", "noexec", "nodev"],
    },
  ];
  // The host's queues cannot be mounted by whom the IPC namespace does not belong to (ipc/mqueue.c).
  if (input.user === undefined || input.namespaces.ipc !== "host") {
    mounts.push({
      destination: "/dev/mqueue",
      type: "mqueue",
      source: "mqueue",
      options: ["nosuid", "noexec", "nodev"],
    });
  }
  if (input.shm === "none") return mounts;
  if ("source" in input.shm) {
    mounts.push({ destination: "/dev/shm", type: "bind", source: input.shm.source, options: ["rbind", "rprivate"] });
  } else {
    mounts.push({
      destination: "/dev/shm",
      type: "tmpfs",
      source: "shm",
      options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${input.shm.sizeBytes}`],
    });
  }
  return mounts;
}
