/** What a filter on a connection finds at the start of a request, and what to hand to the HTTP parser instead. */
export type FilteredHead = {
  readonly chunk: Buffer;
  /** The request takes over its connection (`takesOver` said so). */
  readonly takesOver: boolean;
  /** The client sent an `Upgrade` header with it, so it expects 101. */
  readonly upgraded: boolean;
};

/** The header in which the rewritten head keeps the protocol that the client asked to go over to. */
export const upgradeProtocolHeader = "x-berth-upgrade";

const headEnd = Buffer.from("\r\n\r\n");

/** Where the head of a request ends in `chunk` (index after the blank line), or -1. */
export function endOfHead(chunk: Buffer): number {
  const at = chunk.indexOf(headEnd);
  return at === -1 ? -1 : at + headEnd.length;
}

/**
 * Rewrites a request head so that an HTTP server emits `upgrade` for exactly the calls that take over their
 * connection, asked for or not: Docker's clients may hijack without an `Upgrade` header, and an HTTP parser would
 * take the bytes that follow for a next request. An upgrade nobody takes (h2c from Java clients) is dropped.
 * `chunk` must hold a whole head.
 */
export function filterHead(chunk: Buffer, takesOver: (method: string, path: string) => boolean): FilteredHead {
  const end = endOfHead(chunk);
  const requestLineEnd = chunk.indexOf("\r\n");
  const [method = "", target = ""] = chunk.toString("latin1", 0, requestLineEnd).split(" ");
  const hijack = takesOver(method, target);
  if (!hijack && !/\r\nupgrade\s*:/i.test(chunk.toString("latin1", 0, end)))
    return { chunk, takesOver: false, upgraded: false };
  const lines = chunk.toString("latin1", 0, end - 4).split("\r\n");
  const kept: string[] = [];
  let upgraded = false;
  let protocol = "";
  let dropping = false;
  for (const line of lines) {
    // A continuation line belongs to the header before it (RFC 9112, 5.2).
    if (/^[ \t]/.test(line) && dropping) continue;
    const name = /^[^:\s]+(?=\s*:)/.exec(line)?.[0]?.toLowerCase();
    // Only this function says what the protocol was.
    dropping =
      name === "upgrade" || (hijack && (name === "connection" || name === "expect" || name === upgradeProtocolHeader));
    if (name === "upgrade") {
      upgraded = true;
      protocol = line.slice(line.indexOf(":") + 1).trim();
    }
    if (!dropping) kept.push(line);
  }
  if (hijack) kept.push("Connection: Upgrade", "Upgrade: tcp");
  if (hijack && upgraded) kept.push(`${upgradeProtocolHeader}: ${protocol}`);
  const head = Buffer.from(`${kept.join("\r\n")}\r\n\r\n`, "latin1");
  return { chunk: Buffer.concat([head, chunk.subarray(end)]), takesOver: hijack, upgraded: hijack && upgraded };
}
