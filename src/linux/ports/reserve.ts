import { KernelError, stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";

const AF_INET = 2;
const SOCK_CLOEXEC = 0o2000000;
const kinds = { tcp: [1, 6], udp: [2, 17], sctp: [1, 132] } as const;
const EPROTONOSUPPORT = 93;

/** A port held on this host. */
export type PortReservation = { release(): void };

/**
 * Binds a port without listening, so that no other process can take it. Throws KernelError: EADDRINUSE when it is
 * taken, EADDRNOTAVAIL when the address is not this host's. A host without SCTP reserves nothing for it.
 * @param address IPv4 address as 32 bits; 0 = all
 */
export function reservePort(protocol: "tcp" | "udp" | "sctp", address: number, port: number): PortReservation {
  const [kind, number] = kinds[protocol];
  const fd = trySyscall(SYS.socket, AF_INET, kind | SOCK_CLOEXEC, number);
  if (fd === -EPROTONOSUPPORT) return { release: () => {} };
  if (fd < 0) throw new KernelError(`open ${protocol} socket`, -fd);
  // struct sockaddr_in
  const target = stableBuffer(16);
  target.writeUInt16LE(AF_INET, 0);
  target.writeUInt16BE(port, 2);
  target.writeUInt32BE(address >>> 0, 4);
  try {
    syscall(`bind ${protocol} port ${port}`, SYS.bind, fd, target, 16);
  } catch (error) {
    trySyscall(SYS.close, fd);
    throw error;
  }
  let held = true;
  return {
    release: () => {
      if (held) trySyscall(SYS.close, fd);
      held = false;
    },
  };
}
