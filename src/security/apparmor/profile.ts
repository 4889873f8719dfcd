import { readFileSync } from "node:fs";

/** Name of the profile of containers that ask for none. */
export const appArmorProfileName = "berth-default";

let known: boolean | undefined;

/** Whether this host confines programs with AppArmor; decided when the kernel boots, so it is read once. */
export function hostHasAppArmor(): boolean {
  return (known ??= readEnabled());
}

function readEnabled(): boolean {
  try {
    return readFileSync("/sys/module/apparmor/parameters/enabled", "latin1").startsWith("Y");
  } catch {
    // No such kernel module: no AppArmor.
    return false;
  }
}

/**
 * The text of the profile, after Docker's `docker-default` (moby `profiles/apparmor/template.go`): everything a program
 * in a container needs, without mounts, without writing to /proc and /sys beyond its own, and signals and ptrace only
 * within the profile and from the daemon.
 */
export function appArmorProfileText(name = appArmorProfileName): string {
  return `abi <abi/3.0>,
#include <tunables/global>

profile ${name} flags=(attach_disconnected,mediate_deleted) {
  #include <abstractions/base>

  network,
  capability,
  file,
  umount,
  # The kernel's crypto sockets reach code that a container has no need of (CVE-2026-31431).
  deny network alg,

  # Signals from the host's programs, from the runtimes, and among the container's own processes.
  signal (receive) peer=unconfined,
  signal (receive) peer=runc,
  signal (receive) peer=crun,
  signal (receive) peer=berth,
  signal (send,receive) peer=${name},

  deny @{PROC}/* w,   # all files directly in /proc (not in a subdirectory)
  # All under /proc/<number> but the process's own, all under /proc/sys but what is namespaced.
  deny @{PROC}/{[^1-9],[^1-9][^0-9],[^1-9s][^0-9y][^0-9s],[^1-9][^0-9][^0-9][^0-9/]*}/** w,
  deny @{PROC}/sys/[^k]** w,
  deny @{PROC}/sys/kernel/{?,??,[^s][^h][^m]**} w,
  deny @{PROC}/sysrq-trigger rwklx,
  deny @{PROC}/kcore rwklx,

  deny mount,

  deny /sys/[^f]*/** wklx,
  deny /sys/f[^s]*/** wklx,
  deny /sys/fs/[^c]*/** wklx,
  deny /sys/fs/c[^g]*/** wklx,
  deny /sys/fs/cg[^r]*/** wklx,
  deny /sys/firmware/** rwklx,
  deny /sys/devices/virtual/powercap/** rwklx,
  deny /sys/kernel/security/** rwklx,

  # Debuggers work within the container.
  ptrace (trace,read,tracedby,readby) peer=${name},
}
`;
}
