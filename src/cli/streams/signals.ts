const proxied: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGTSTP",
];

/**
 * Sends the signals this process gets on to the container (`--sig-proxy`). A third interrupt within which the daemon
 * never answered ends the command: a user must always be able to leave. Returns a function that stops it.
 */
export function proxySignals(send: (signal: string) => Promise<void>): () => void {
  let unanswered = 0;
  const listeners = proxied.map((signal) => {
    const listener = () => {
      if (unanswered >= 2 && (signal === "SIGINT" || signal === "SIGTERM")) process.exit(130);
      unanswered++;
      // The container may have ended meanwhile; then there is nobody to tell.
      send(signal.replace(/^SIG/, "")).then(
        () => {
          unanswered = 0;
        },
        () => {},
      );
    };
    process.on(signal, listener);
    return [signal, listener] as const;
  });
  return () => {
    for (const [signal, listener] of listeners) process.off(signal, listener);
  };
}
