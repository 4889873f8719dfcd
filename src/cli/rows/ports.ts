import type { PortSummary } from "#formats";

function address(ip: string): string {
  return ip.includes(":") ? `[${ip}]` : ip;
}

/**
 * The PORTS column: published ports as `0.0.0.0:8080->80/tcp`, others as `80/tcp`, runs of neighbours joined as
 * `8000-8002->8000-8002/tcp`.
 */
export function formatPorts(ports: readonly PortSummary[]): string {
  if (ports.length === 0) return "";
  const sorted = [...ports].sort(
    (left, right) =>
      left.PrivatePort - right.PrivatePort ||
      compareBytes(left.IP ?? "", right.IP ?? "") ||
      (left.PublicPort ?? 0) - (right.PublicPort ?? 0) ||
      compareBytes(left.Type, right.Type),
  );
  type Run = { ip: string; type: string; first: number; last: number; publicFirst: number };
  const runs: Run[] = [];
  const published: string[] = [];
  for (const { IP = "", PrivatePort, PublicPort = 0, Type } of sorted) {
    // A port published under another number stands alone.
    if (PublicPort !== 0 && PublicPort !== PrivatePort) {
      published.push(`${IP === "" ? "" : `${address(IP)}:`}${PublicPort}->${PrivatePort}/${Type}`);
      continue;
    }
    const run = runs.findLast(
      (each) => each.ip === IP && each.type === Type && (each.publicFirst !== 0) === (PublicPort !== 0),
    );
    if (run !== undefined && run.last === PrivatePort) continue;
    if (run !== undefined && run.last + 1 === PrivatePort) run.last = PrivatePort;
    else runs.push({ ip: IP, type: Type, first: PrivatePort, last: PrivatePort, publicFirst: PublicPort });
  }
  const joined = runs.map(({ ip, type, first, last, publicFirst }) => {
    const range = first === last ? String(first) : `${first}-${last}`;
    if (publicFirst === 0) return `${range}/${type}`;
    return `${ip === "" ? "" : `${address(ip)}:`}${range}->${range}/${type}`;
  });
  return [...joined, ...published].join(", ");
}

/** As Go compares strings: "0.0.0.0" before "::", which an order for people turns around. */
function compareBytes(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
