/** True for what Go's templates call empty: false, 0, nil, "" and collections without elements. */
export function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === false || value === 0 || value === "") return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === "object" && Object.keys(value).length === 0;
}

function byName(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

/** The keys of a map in the order Go visits them. */
export function sortedKeys(value: object): string[] {
  return Object.keys(value).sort(byName);
}

/** Go's `%v`. */
export function formatValue(value: unknown): string {
  if (value === undefined) return "<no value>";
  if (value === null) return "<nil>";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return `[${value.map(formatValue).join(" ")}]`;
  if (typeof value === "object") {
    const fields: Record<string, unknown> = { ...value };
    return `map[${sortedKeys(value)
      .map((key) => `${key}:${formatValue(fields[key])}`)
      .join(" ")}]`;
  }
  return `${value as number | boolean | bigint}`;
}

function pad(text: string, flags: string, width: number): string {
  if (flags.includes("-")) return text.padEnd(width);
  if (flags.includes("0") && /^[+-]?[\d.]+$/.test(text)) {
    const sign = /^[+-]/.exec(text)?.[0] ?? "";
    return sign + text.slice(sign.length).padStart(width - sign.length, "0");
  }
  return text.padStart(width);
}

/** Go's `fmt.Sprintf` for the verbs templates use. */
export function sprintf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%([-+# 0]*)(\d+)?(?:\.(\d+))?([a-zA-Z%])/g,
    (_, flags: string, width: string | undefined, precision: string | undefined, verb: string) => {
      if (verb === "%") return "%";
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const value = values[next++];
      let body: string;
      switch (verb) {
        case "s":
        case "v":
          body = formatValue(value);
          if (precision !== undefined && verb === "s") body = Array.from(body).slice(0, Number(precision)).join("");
          break;
        case "q":
          body = JSON.stringify(formatValue(value));
          break;
        case "d":
          body = typeof value === "number" ? String(Math.trunc(value)) : `%!d(${formatValue(value)})`;
          break;
        case "f":
        case "F":
          body = Number(value).toFixed(Number(precision ?? 6));
          break;
        case "e":
          body = Number(value).toExponential(Number(precision ?? 6));
          break;
        case "g":
          body = formatValue(value);
          break;
        case "t":
          body = String(value === true);
          break;
        case "x":
        case "X":
          body = typeof value === "number" ? value.toString(16) : Buffer.from(formatValue(value)).toString("hex");
          if (verb === "X") body = body.toUpperCase();
          break;
        case "o":
          body = Number(value).toString(8);
          break;
        case "b":
          body = Number(value).toString(2);
          break;
        case "c":
          body = String.fromCodePoint(Number(value));
          break;
        case "T":
          body = Array.isArray(value)
            ? "[]interface {}"
            : typeof value === "object"
              ? "map[string]interface {}"
              : typeof value;
          break;
        default:
          body = `%!${verb}(${formatValue(value)})`;
      }
      if (flags.includes("+") && verb === "d" && !body.startsWith("-")) body = `+${body}`;
      return width === undefined ? body : pad(body, flags, Number(width));
    },
  );
  return next < values.length ? `${text}%!(EXTRA ${values.slice(next).map(formatValue).join(", ")})` : text;
}
