import { errors } from "../errors.ts";

const ipcSysctls = new Set([
  "kernel.msgmax",
  "kernel.msgmnb",
  "kernel.msgmni",
  "kernel.sem",
  "kernel.shmall",
  "kernel.shmmax",
  "kernel.shmmni",
  "kernel.shm_rmid_forced",
]);

/** Which namespaces of a container are its own. */
export type OwnNamespaces = { readonly network: boolean; readonly ipc: boolean; readonly uts: boolean };

/**
 * `--sysctl` of a container: only what is namespaced, and only in a namespace of its own (runc's validator, moby
 * `opts.ValidateSysctl`). Keys and values that could reach another file or line are refused (CVE-2022-0811). Returns
 * them in dotted form.
 */
export function checkSysctls(
  sysctls: Readonly<Record<string, string>>,
  own: OwnNamespaces,
): Readonly<Record<string, string>> {
  const checked: Record<string, string> = {};
  for (const [given, value] of Object.entries(sysctls)) {
    // `net/ipv4/conf/eth0.100/x` is how an interface name with dots is written; the runtime takes that form too.
    const name = given.includes("/") ? given.replaceAll(/[./]/g, (sign) => (sign === "/" ? "." : "/")) : given;
    const plain = /^[a-z_0-9]+(?:[./][A-Za-z0-9_@:-]+)+$/.test(name) && !name.includes("..");
    if (!plain || /[\u0000-\u001f\u007f]/.test(value.replaceAll("\t", " "))) throw errors.sysctlMalformed(given);
    if (ipcSysctls.has(name) || name.startsWith("fs.mqueue.")) {
      if (!own.ipc) throw errors.sysctlShared(given, "IPC");
    } else if (name.startsWith("net.")) {
      if (!own.network) throw errors.sysctlShared(given, "network");
    } else if (name === "kernel.domainname") {
      if (!own.uts) throw errors.sysctlShared(given, "UTS");
    } else throw errors.sysctlNotNamespaced(given);
    checked[name] = value;
  }
  return checked;
}
