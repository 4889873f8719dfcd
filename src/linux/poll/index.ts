export { createEpollSet, EPOLL, type EpollSet } from "./epoll.ts";
export { createPoller, type Poller, type ReadyHandler } from "./poller.ts";
