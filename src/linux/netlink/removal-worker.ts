/**
 * The thread that waits while the kernel takes an interface down (some 30 ms of RCU grace periods), so that the main thread
 * need not. Entry point of its own in a compiled executable.
 */
import { stableBuffer, SYS, trySyscall } from "../ffi/index.ts";

declare const self: Worker;

/** A message for a netlink socket, written as it is; answered with the same id and 0 or an errno. */
export type RemovalRequest = { readonly id: number; readonly fd: number; readonly message: Uint8Array };
export type RemovalAnswer = { readonly id: number; readonly errno: number };

const EIO = 5;
const answer = stableBuffer(8192);

function removeNow({ fd, message }: RemovalRequest): number {
  const bytes = stableBuffer(message.length);
  bytes.set(message);
  const written = trySyscall(SYS.write, fd, bytes, bytes.length);
  if (written < 0) return -written;
  // The kernel has answered when write(2) returns. struct nlmsghdr, then the negative errno of NLMSG_ERROR.
  const length = trySyscall(SYS.read, fd, answer, answer.length);
  if (length < 20) return length < 0 ? -length : EIO;
  return -answer.readInt32LE(16);
}

self.addEventListener("message", (event: MessageEvent<RemovalRequest>) => {
  const reply: RemovalAnswer = { id: event.data.id, errno: removeNow(event.data) };
  postMessage(reply);
});
