import { KernelError, stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SOCK_NONBLOCK = 0o4000;
const BACKLOG = 4096;
const kinds = { tcp: [1, 6], udp: [2, 17], sctp: [1, 132] } as const;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;

/** A port held on this host. */
export type PortReservation = {
  /** The bound socket; undefined where the host lacks the protocol. */
  readonly fd: number | undefined;
  release(): void;
};

/**
 * Binds a port so that no other process can take it. Throws KernelError: EADDRINUSE when it is taken, EADDRNOTAVAIL when
 * the address is not this host's. A host without SCTP reserves nothing for it.
 * @param address 4 or 16 bytes; all zero = all of that family
 * @param listens connections are taken, and wait for somebody to accept them (TCP)
 */
export function reservePort(
  protocol: "tcp" | "udp" | "sctp",
  address: Buffer,
  port: number,
  { listens }: { readonly listens: boolean },
): PortReservation {
  const [kind, number] = kinds[protocol];
  const isIpv6 = address.length === 16;
  const fd = trySyscall(SYS.socket, isIpv6 ? AF_INET6 : AF_INET, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, number);
  // Nobody else can take it either.
  if (fd === -EPROTONOSUPPORT || fd === -EAFNOSUPPORT) return { fd: undefined, release: () => {} };
  if (fd < 0) throw new KernelError(`open ${protocol} socket`, -fd);
  // struct sockaddr_in, struct sockaddr_in6
  const target = stableBuffer(isIpv6 ? 28 : 16);
  target.writeUInt16LE(isIpv6 ? AF_INET6 : AF_INET, 0);
  target.writeUInt16BE(port, 2);
  address.copy(target, isIpv6 ? 8 : 4);
  if (isIpv6) {
    const one = stableBuffer(4);
    one.writeUInt32LE(1);
    trySyscall(SYS.setsockopt, fd, IPPROTO_IPV6, IPV6_V6ONLY, one, 4);
  }
  if (listens) {
    // Ended connections of an earlier socket on this port linger; who listens is alone all the same. socket(7)
    const one = stableBuffer(4);
    one.writeUInt32LE(1);
    trySyscall(SYS.setsockopt, fd, SOL_SOCKET, SO_REUSEADDR, one, 4);
  }
  try {
    syscall(`bind ${protocol} port ${port}`, SYS.bind, fd, target, target.length);
    if (listens) syscall(`listen on ${protocol} port ${port}`, SYS.listen, fd, BACKLOG);
  } catch (error) {
    trySyscall(SYS.close, fd);
    throw error;
  }
  let held = true;
  return {
    fd,
    release: () => {
      if (held) trySyscall(SYS.close, fd);
      held = false;
    },
  };
}
