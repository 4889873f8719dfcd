import { formatValue, GoStruct, typeNameOf } from "./go-value.ts";

function pad(text: string, flags: string, width: number): string {
  const length = Array.from(text).length;
  if (length >= width) return text;
  const missing = width - length;
  if (flags.includes("-")) return text + " ".repeat(missing);
  if (flags.includes("0")) {
    const sign = /^[+-]/.exec(text)?.[0] ?? "";
    return sign + "0".repeat(missing) + text.slice(sign.length);
  }
  return " ".repeat(missing) + text;
}

const isInteger = (value: unknown): value is number | bigint =>
  typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value));

/** `%!d(string=x)`: what Go prints for a verb that does not fit its value. */
function misfit(verb: string, value: unknown): string {
  return value === undefined || value === null
    ? `%!${verb}(<nil>)`
    : `%!${verb}(${typeNameOf(value)}=${formatValue(value)})`;
}

function quote(text: string): string {
  return JSON.stringify(text).replace(
    /[\u0080-\u009f\u2028\u2029]/g,
    (each) => `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function withFieldNames(value: unknown): string {
  if (!(value instanceof GoStruct)) return formatValue(value);
  return `{${[...value.fields].map(([name, each]) => `${name}:${withFieldNames(each)}`).join(" ")}}`;
}

function integerVerb(verb: string, value: unknown): string | undefined {
  if (!isInteger(value)) return undefined;
  switch (verb) {
    case "d":
      return value.toString();
    case "b":
      return value.toString(2);
    case "o":
      return value.toString(8);
    case "x":
      return value.toString(16);
    case "X":
      return value.toString(16).toUpperCase();
    case "c":
      return String.fromCodePoint(Number(value));
    case "q":
      return `'${String.fromCodePoint(Number(value))}'`;
    case "U":
      return `U+${value.toString(16).toUpperCase().padStart(4, "0")}`;
    default:
      return undefined;
  }
}

function exponent(text: string): string {
  return text.replace(/e([+-])(\d)$/, "e$10$2");
}

function floatVerb(verb: string, value: unknown, precision: number | undefined): string | undefined {
  if (typeof value !== "number" || Number.isInteger(value)) return undefined;
  switch (verb) {
    case "f":
    case "F":
      return value.toFixed(precision ?? 6);
    case "e":
      return exponent(value.toExponential(precision ?? 6));
    case "g":
      return precision === undefined ? String(value) : String(Number(value.toPrecision(precision)));
    default:
      return undefined;
  }
}

function stringVerb(verb: string, value: unknown, precision: number | undefined): string | undefined {
  if (typeof value !== "string") return undefined;
  const text = precision === undefined ? value : Array.from(value).slice(0, precision).join("");
  switch (verb) {
    case "s":
      return text;
    case "q":
      return quote(text);
    case "x":
      return Buffer.from(text).toString("hex");
    case "X":
      return Buffer.from(text).toString("hex").toUpperCase();
    default:
      return undefined;
  }
}

function formatOne(verb: string, flags: string, precision: number | undefined, value: unknown): string {
  if (verb === "T") return typeNameOf(value);
  if (verb === "v") {
    if (flags.includes("#") && typeof value === "string") return quote(value);
    return flags.includes("+") ? withFieldNames(value) : value === undefined ? "<nil>" : formatValue(value);
  }
  if (verb === "t" && typeof value === "boolean") return String(value);
  if (Array.isArray(value) && "sqdxX".includes(verb)) {
    return `[${value.map((each) => formatOne(verb, flags, precision, each)).join(" ")}]`;
  }
  return (
    integerVerb(verb, value) ??
    floatVerb(verb, value, precision) ??
    stringVerb(verb, value, precision) ??
    misfit(verb, value)
  );
}

/** Go's `fmt.Sprintf`, for the values templates have. */
export function sprintf(format: string, values: readonly unknown[]): string {
  let next = 0;
  const text = format.replace(
    /%(?:([-+# 0]*)(\d+|\*)?(?:\.(\d*))?([a-zA-Z%])|$)/g,
    (
      whole,
      flags: string | undefined,
      width: string | undefined,
      precision: string | undefined,
      verb: string | undefined,
    ) => {
      if (verb === undefined) return whole === "%" ? "%!(NOVERB)" : whole;
      if (verb === "%") return "%";
      let minimum = width === undefined ? 0 : Number(width);
      if (width === "*") minimum = Number(values[next++]);
      if (next >= values.length) return `%!${verb}(MISSING)`;
      const value = values[next++];
      const digits = precision === undefined ? undefined : Number(precision);
      let body = formatOne(verb, flags ?? "", digits, value);
      if (flags?.includes("+") === true && isInteger(value) && verb === "d" && !body.startsWith("-")) body = `+${body}`;
      if (flags?.includes("#") === true && isInteger(value) && verb === "x") body = `0x${body}`;
      return pad(body, flags ?? "", minimum);
    },
  );
  if (next >= values.length) return text;
  const extra = values
    .slice(next)
    .map((value) => (value == null ? "<nil>" : `${typeNameOf(value)}=${formatValue(value)}`));
  return `${text}%!(EXTRA ${extra.join(", ")})`;
}

/** Go's `fmt.Sprint`: a space between two values when neither is a string. */
export function sprint(values: readonly unknown[]): string {
  return values.reduce<string>((line, value, index) => {
    const spaced = index > 0 && typeof value !== "string" && typeof values[index - 1] !== "string";
    return line + (spaced ? " " : "") + (value === undefined ? "<nil>" : formatValue(value));
  }, "");
}
