/** Programs made to be PID 1 of a container, best first: they reap zombies and pass signals on. */
const candidates = ["catatonit", "tini-static", "tini", "dumb-init", "docker-init"];

/** Path of an init for `--init`; undefined when the host has none. */
export function findInitBinary(): string | undefined {
  for (const name of candidates) {
    const path = Bun.which(name);
    if (path !== null) return path;
  }
  return undefined;
}
