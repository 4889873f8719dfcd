import { type Shape, unwrapped } from "../../schema/request-fields.ts";

/** A body with one hostile field, and whether its type alone is wrong, so that nothing but a refusal will do. */
export type HostileBody = { readonly field: string; readonly body: string; readonly isWrongType: boolean };

const texts = [
  "a\0b",
  "x".repeat(70_000),
  "../../../../etc/passwd",
  "a\r\nX: y",
  "\ud800",
  ":::",
  "-1",
  "%s%n{{.}}",
  "\u202e",
];
const numbers = [-1, 1e308, 2 ** 53, -(2 ** 63), 0.5];

type Value = { readonly value: unknown; readonly isWrongType: boolean };
const strange = (value: unknown): Value => ({ value, isWrongType: false });
const wrong = (value: unknown): Value => ({ value, isWrongType: true });

/** Hostile values for one schema, those of its fields wrapped in it. */
function valuesOf(shape: Shape | undefined, path: string): readonly (Value & { readonly field: string })[] {
  const own = unwrapped(shape);
  const here = (values: readonly Value[]) => values.map((value) => ({ ...value, field: path }));
  if (own === undefined) return [];
  if (own.type === "string") return here([...texts.map(strange), wrong(7), wrong({ a: 1 })]);
  if (own.type === "number") return here([...numbers.map(strange), wrong("x"), wrong([1])]);
  if (own.type === "boolean") return here([wrong("x"), wrong({})]);
  if (own.type === "array")
    return [
      ...here([wrong(7), wrong("{"), strange(Array.from({ length: 5000 }, () => null))]),
      ...valuesOf(own.item, path).map((inner) => ({ ...inner, value: [inner.value] })),
    ];
  if (own.type === "record")
    return [
      ...here([wrong(7), wrong([7]), strange({ "": null }), strange({ "a\0b": null }), strange({ ["x".repeat(5000)]: null })]), // prettier-ignore
      ...valuesOf(own.value, path).map((inner) => ({ ...inner, value: { "80/tcp": inner.value } })),
    ];
  if (own.entries !== undefined)
    return [
      ...here([wrong(7), wrong("x")]),
      ...Object.entries(own.entries).flatMap(([name, field]) =>
        valuesOf(field, path === "" ? name : `${path}.${name}`).map((inner) => ({
          ...inner,
          value: { [name]: inner.value },
        })),
      ),
    ];
  return here([...texts.slice(0, 3).map(strange), strange({}), strange([[]]), strange(-1)]);
}

/** Lays a value over the fields of a well-formed body. */
function over(base: unknown, value: unknown): unknown {
  const isPlain = (item: unknown): item is Record<string, unknown> =>
    typeof item === "object" && item !== null && !Array.isArray(item);
  if (!isPlain(base) || !isPlain(value)) return value;
  const result: Record<string, unknown> = { ...base };
  for (const [key, item] of Object.entries(value)) result[key] = key in base ? over(base[key], item) : item;
  return result;
}

/** Every field of a route's body with every hostile value, the others well-formed. */
export function hostileBodies(schema: Shape, base: Readonly<Record<string, unknown>>): readonly HostileBody[] {
  return valuesOf(schema, "").map(({ field, value, isWrongType }) => ({
    field,
    body: JSON.stringify(over(base, value)),
    isWrongType,
  }));
}
