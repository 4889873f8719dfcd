import { KernelError, stableBuffer, SYS, syscall, trySyscall } from "../ffi/index.ts";
import { FLAG, message, parseAttributes } from "./message.ts";

const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC_NONBLOCK = 3 | 0o2000000 | 0o4000;
const SOL_NETLINK = 270;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_MULTI = 2;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const EAGAIN = 11;

/** Which part of the kernel a socket talks to: rtnetlink(7) or nfnetlink. */
export const NETLINK_ROUTE = 0;
/** The netlink family of netfilter (linux/netlink.h). */
export const NETLINK_NETFILTER = 12;

/** A request to the kernel; `description` names it in errors ("add address 10.0.0.2/24 to eth0"). */
export type NetlinkRequest = {
  readonly description: string;
  readonly type: number;
  readonly flags: number;
  readonly body: Buffer;
};

/** A message the kernel answered with. */
export type NetlinkReply = { readonly type: number; readonly body: Buffer };

/**
 * A netlink socket used synchronously: the kernel handles a request within the write, so that the answer is there to
 * read when it returns and nothing ever waits. It keeps working in the network namespace it was opened in.
 */
export type NetlinkSocket = {
  readonly fd: number;
  /**
   * Sends all requests in one write, in order; the kernel goes on after a failure (each stands alone).
   * Returns the answers that are not acknowledgements; throws KernelError, with the kernel's own text, for the first failure.
   */
  send(...requests: readonly NetlinkRequest[]): readonly NetlinkReply[];
  /** Sends a netfilter batch (all or nothing): only failures answer. */
  sendBatch(description: string, parts: readonly Omit<NetlinkRequest, "description">[]): void;
  close(): void;
};

// Larger than the 32 KiB the kernel puts into one dump message; shared because nothing is awaited while it is in use.
const receiveBuffer = stableBuffer(128 * 1024);

/** Opens a netlink socket in the calling thread's network namespace. */
export function openNetlink(protocol: number): NetlinkSocket {
  const fd = syscall("open netlink socket", SYS.socket, AF_NETLINK, SOCK_RAW_CLOEXEC_NONBLOCK, protocol);
  const one = stableBuffer(4);
  one.writeUInt32LE(1);
  // Both are refinements of error answers; a kernel without them still works.
  trySyscall(SYS.setsockopt, fd, SOL_NETLINK, NETLINK_CAP_ACK, one, 4);
  trySyscall(SYS.setsockopt, fd, SOL_NETLINK, NETLINK_EXT_ACK, one, 4);
  let sequence = 0;
  let open = true;

  /** Reads everything the kernel has queued; false ends the callback's interest. */
  const drain = (handle: (header: ReplyHeader, body: Buffer) => void): void => {
    for (;;) {
      const length = trySyscall(SYS.read, fd, receiveBuffer, receiveBuffer.length);
      if (length === -EAGAIN) return;
      if (length === -4) continue;
      if (length < 0) throw new KernelError("read netlink socket", -length);
      let offset = 0;
      while (offset + 16 <= length) {
        const size = receiveBuffer.readUInt32LE(offset);
        if (size < 16 || offset + size > length) break;
        const header = {
          type: receiveBuffer.readUInt16LE(offset + 4),
          flags: receiveBuffer.readUInt16LE(offset + 6),
          sequence: receiveBuffer.readUInt32LE(offset + 8),
        };
        handle(header, receiveBuffer.subarray(offset + 16, offset + size));
        offset += (size + 3) & ~3;
      }
    }
  };

  const write = (description: string, data: Buffer): void => {
    const written = syscall(description, SYS.write, fd, data, data.length);
    if (written !== data.length) throw new KernelError(description, 5, `wrote ${written} of ${data.length} bytes`);
  };

  return {
    fd,
    send: (...requests) => {
      const first = sequence + 1;
      const parts = requests.map((request) =>
        message(request.type, request.flags | FLAG.request, ++sequence, request.body),
      );
      write(requests[0]?.description ?? "netlink", parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts));
      const replies: NetlinkReply[] = [];
      let failure: KernelError | undefined;
      let answered = 0;
      drain((header, body) => {
        const request = requests[header.sequence - first];
        // An answer to an earlier request that was given up on.
        if (request === undefined) return;
        if (header.type === NLMSG_ERROR || header.type === NLMSG_DONE) {
          answered++;
          failure ??= failureOf(request.description, header, body);
        } else {
          if ((header.flags & NLM_F_MULTI) === 0 && (request.flags & FLAG.ack) === 0) answered++;
          // Copied: the receive buffer is reused by the next read.
          replies.push({ type: header.type, body: Buffer.from(body) });
        }
      });
      if (failure !== undefined) throw failure;
      if (answered < requests.length) {
        throw new KernelError(requests[answered]?.description ?? "netlink", EAGAIN, "the kernel did not answer");
      }
      return replies;
    },
    sendBatch: (description, parts) => {
      const first = sequence + 1;
      write(
        description,
        Buffer.concat(parts.map((part) => message(part.type, part.flags | FLAG.request, ++sequence, part.body))),
      );
      let failure: KernelError | undefined;
      drain((header, body) => {
        if (header.type === NLMSG_ERROR && header.sequence >= first) failure ??= failureOf(description, header, body);
      });
      if (failure !== undefined) throw failure;
    },
    close: () => {
      if (open) trySyscall(SYS.close, fd);
      open = false;
    },
  };
}

type ReplyHeader = { readonly type: number; readonly flags: number; readonly sequence: number };

/** The error an NLMSG_ERROR or NLMSG_DONE carries; undefined for success. With NETLINK_CAP_ACK the request is cut to its header. */
function failureOf(description: string, header: ReplyHeader, body: Buffer): KernelError | undefined {
  if (body.length < 4) return undefined;
  const errno = -body.readInt32LE(0);
  if (errno <= 0) return undefined;
  if ((header.flags & NLM_F_ACK_TLVS) === 0) return new KernelError(description, errno);
  const text = parseAttributes(body.subarray(header.type === NLMSG_DONE ? 4 : 20)).get(NLMSGERR_ATTR_MSG);
  return new KernelError(description, errno, text?.toString("utf8").replace(/\0+$/, ""));
}
