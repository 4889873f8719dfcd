/** A linked container, as the environment of the other tells of it. */
export type LinkedService = {
  /** "/web/database" */
  readonly name: string;
  readonly alias: string;
  readonly address: string;
  /** "5432/tcp" */
  readonly ports: readonly string[];
  readonly environment: readonly string[];
};

type Port = { readonly number: number; readonly protocol: string };

/** The variables of a link: where its ports are, and its own variables under a prefix (moby `daemon/links`). */
export function linkEnvironment(service: LinkedService): readonly string[] {
  const prefix = service.alias.replaceAll("-", "_").toUpperCase();
  const ports = service.ports
    .map((text): Port => {
      const [number = "", protocol = "tcp"] = text.split("/");
      return { number: Number(number), protocol };
    })
    .toSorted((one, other) => rank(one) - rank(other) || one.number - other.number);
  const url = ({ number, protocol }: Port): string => `${protocol}://${service.address}:${number}`;
  const [first] = ports;
  return [
    ...(first === undefined ? [] : [`${prefix}_PORT=${url(first)}`]),
    ...ranges(ports).flatMap(([start, end]) => {
      const key = `${prefix}_PORT_${start.number}_${start.protocol.toUpperCase()}`;
      return [
        `${key}_START=${url(start)}`,
        `${key}_PORT_START=${start.number}`,
        `${key}_END=${url(end)}`,
        `${key}_PORT_END=${end.number}`,
      ];
    }),
    ...ports.flatMap((port) => {
      const key = `${prefix}_PORT_${port.number}_${port.protocol.toUpperCase()}`;
      return [
        `${key}=${url(port)}`,
        `${key}_ADDR=${service.address}`,
        `${key}_PORT=${port.number}`,
        `${key}_PROTO=${port.protocol}`,
      ];
    }),
    `${prefix}_NAME=${service.name}`,
    ...service.environment.flatMap((entry) => {
      const [name = ""] = entry.split("=", 1);
      return !entry.includes("=") || name === "HOME" || name === "PATH" ? [] : [`${prefix}_ENV_${entry}`];
    }),
  ];
}

/** TCP before the others, as Docker sorts them. */
function rank({ protocol }: Port): number {
  return protocol === "tcp" ? 0 : 1;
}

/** Runs of two or more ports in a row. */
function ranges(ports: readonly Port[]): readonly (readonly [Port, Port])[] {
  const found: [Port, Port][] = [];
  for (const port of ports) {
    const last = found.at(-1);
    if (last !== undefined && last[1].protocol === port.protocol && last[1].number + 1 === port.number) last[1] = port;
    else found.push([port, port]);
  }
  return found.filter(([start, end]) => start !== end);
}
