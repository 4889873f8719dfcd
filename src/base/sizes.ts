const binary: Record<string, number> = { "": 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4, p: 1024 ** 5 };

/** Go's `units.RAMInBytes`: `64m`, `1.5GiB`, `512` → bytes; undefined when malformed. */
export function parseRamBytes(text: string): number | undefined {
  const match = /^(-?\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  return Math.trunc(Number(match[1]) * (binary[(match[2] ?? "").toLowerCase()] ?? 1));
}

const decimal: Record<string, number> = { "": 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 };

/** Go's `units.FromHumanSize`: `10m`, `1.5GB` in powers of 1000 → bytes; undefined when malformed. */
export function parseDecimalBytes(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?$/i.exec(text.trim());
  if (match === null) return undefined;
  return Math.trunc(Number(match[1]) * (decimal[(match[2] ?? "").toLowerCase()] ?? 1));
}

function scaled(size: number, base: number, units: readonly string[], digits: number): string {
  let unit = 0;
  let value = size;
  while (value >= base && unit < units.length - 1) {
    value /= base;
    unit++;
  }
  return `${Number(value.toPrecision(digits))}${units[unit]}`;
}

/** Go's `units.HumanSizeWithPrecision(size, 3)`: decimal units, as `docker images` shows ("7.8MB"). */
export function humanSize(bytes: number, digits = 3): string {
  return scaled(bytes, 1000, ["B", "kB", "MB", "GB", "TB", "PB", "EB"], digits);
}

/** Go's `units.BytesSize`: binary units with four digits, as `docker stats` shows ("1.5MiB"). */
export function humanBinarySize(bytes: number): string {
  return scaled(bytes, 1024, ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"], 4);
}
