import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import type { Field, Scalar } from "./fields.ts";
import { GrpcError } from "./status.ts";

/** A message: how to write and read it. Fields nobody declared are passed over, absent ones have their zero value. */
export type Message<T> = {
  encode(value: Partial<T>): Uint8Array;
  /** Rejects bytes that are no message with the status INVALID_ARGUMENT. */
  decode(bytes: Uint8Array): T;
};

/** What a message holds. */
export type ValueOf<M> = M extends Message<infer T> ? T : never;

type ValuesOf<Fields> = { readonly [Name in keyof Fields]: Fields[Name] extends Field<infer T> ? T : never };

/** Declares a message by its fields. */
export function message<const Fields extends Record<string, Field<unknown>>>(
  fields: Fields,
): Message<ValuesOf<Fields>> {
  const list = Object.entries<Field<unknown>>(fields);
  const byNumber = new Map(list.map(([name, field]) => [field.number, { name, field }]));
  return {
    encode: (value) => {
      const writer = new BinaryWriter();
      for (const [name, field] of list) {
        const item = (value as Readonly<Record<string, unknown>>)[name];
        if (item !== undefined) field.write(writer, item);
      }
      return writer.finish();
    },
    decode: (bytes) => {
      const values: Record<string, unknown> = {};
      for (const [name, field] of list) values[name] = field.absent();
      try {
        const reader = new BinaryReader(bytes);
        while (reader.pos < reader.len) {
          const [number, wireType] = reader.tag();
          const known = byNumber.get(number);
          if (known === undefined) reader.skip(wireType, number);
          else values[known.name] = known.field.read(reader, wireType, values[known.name]);
        }
      } catch (error) {
        throw new GrpcError("INVALID_ARGUMENT", "the message is malformed", { cause: error });
      }
      return values as ValuesOf<Fields>;
    },
  };
}

/** A message as a field's kind of value; absent is undefined. */
export function nested<T>(type: Message<T>): Scalar<Partial<T> | undefined> {
  return {
    wireType: WireType.LengthDelimited,
    write: (writer, value) => writer.bytes(type.encode(value ?? {})),
    read: (reader) => type.decode(reader.bytes()),
    zero: undefined,
  };
}
