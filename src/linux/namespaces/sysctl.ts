import { KernelError, SYS, trySyscall } from "../ffi/index.ts";

const AT_FDCWD = -100;
const O_WRONLY_CLOEXEC = 1 | 0o2000000;

/**
 * The path of a sysctl below /proc/sys. Dots separate, unless a slash comes first, as in sysctl(8):
 * "net.ipv4.conf.eth0/100.rp_filter" and "net/ipv4/conf/eth0.100/rp_filter" are the same.
 */
export function sysctlPath(name: string): string {
  const slashFirst = /^[^.]*\//.test(name);
  return slashFirst ? name : name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

/** Writes a sysctl of the namespaces the calling thread is in. Throws KernelError. */
export function writeSysctl(name: string, value: string): void {
  const description = `write sysctl ${name}=${value}`;
  const fd = trySyscall(SYS.openat, AT_FDCWD, `/proc/sys/${sysctlPath(name)}`, O_WRONLY_CLOEXEC, 0);
  if (fd < 0) throw new KernelError(description, -fd);
  const data = Buffer.from(value);
  const written = data.length === 0 ? 0 : trySyscall(SYS.write, fd, data, data.length);
  trySyscall(SYS.close, fd);
  if (written < 0) throw new KernelError(description, -written);
}
