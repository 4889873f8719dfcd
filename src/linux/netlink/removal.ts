import { errorMessage } from "#base";
import { KernelError } from "../ffi/index.ts";
import { workerLocation } from "../worker-location.ts";
import { deleteLink } from "./link.ts";
import { FLAG, message } from "./message.ts";
import type { RemovalAnswer, RemovalRequest } from "./removal-worker.ts";
import type { NetlinkSocket } from "./socket.ts";

type Waiting = { readonly description: string; resolve(): void; reject(error: unknown): void };

const waiting = new Map<number, Waiting>();
let thread: Worker | undefined;
let next = 1;

function startThread(): Worker {
  const worker = new Worker(workerLocation("linux/netlink/removal-worker"), { smol: true, name: "links" });
  worker.addEventListener("message", (event: MessageEvent<RemovalAnswer>) => {
    const { id, errno } = event.data;
    const request = waiting.get(id);
    waiting.delete(id);
    if (errno === 0) request?.resolve();
    else request?.reject(new KernelError(request.description, errno));
    if (waiting.size === 0) worker.unref();
  });
  worker.addEventListener("error", (event) => {
    thread = undefined;
    for (const request of waiting.values()) request.reject(new Error(`link thread: ${errorMessage(event.message)}`));
    waiting.clear();
  });
  return worker;
}

/**
 * Deletes an interface on another thread, for the kernel takes some 30 ms over it. The socket, of the interface's namespace,
 * must stay open and unused until the promise settles; rejects with KernelError, ENODEV when there is no such interface.
 */
export function deleteLinkElsewhere(socket: NetlinkSocket, name: string): Promise<void> {
  const request = deleteLink(name);
  thread ??= startThread();
  thread.ref();
  const id = next++;
  const order: RemovalRequest = {
    id,
    fd: socket.fd,
    // Numbered apart from the socket's own requests.
    message: message(request.type, request.flags | FLAG.request | FLAG.ack, 0x7fff_ffff, request.body),
  };
  const worker = thread;
  return new Promise((resolve, reject) => {
    waiting.set(id, { description: request.description, resolve, reject });
    worker.postMessage(order, []);
  });
}
