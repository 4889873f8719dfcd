import { type BinaryReader, type BinaryWriter, WireType } from "@bufbuild/protobuf/wire";

/** How one kind of value is written and read: one entry of protobuf's encoding (protobuf.dev/programming-guides/encoding). */
export type Scalar<T> = {
  readonly wireType: WireType;
  readonly write: (writer: BinaryWriter, value: T) => void;
  readonly read: (reader: BinaryReader) => T;
  /** What an absent field means; not written. */
  readonly zero: T;
};

/** A field of a message: its number and how it is carried. */
export type Field<T> = {
  readonly number: number;
  // Methods rather than functions, so that fields of any type go into one declaration.
  write(writer: BinaryWriter, value: T): void;
  /** Called for every occurrence; `before` is what earlier ones gave. */
  read(reader: BinaryReader, wireType: WireType, before: T): T;
  absent(): T;
};

const emptyBytes = new Uint8Array(0);

/** UTF-8 text. What is no UTF-8 is read with replacement characters. */
export const text: Scalar<string> = {
  wireType: WireType.LengthDelimited,
  write: (writer, value) => writer.string(value),
  read: (reader) => reader.string(),
  zero: "",
};

/** Bytes as they are. */
export const bytes: Scalar<Uint8Array> = {
  wireType: WireType.LengthDelimited,
  write: (writer, value) => writer.bytes(value),
  read: (reader) => reader.bytes(),
  zero: emptyBytes,
};

/** A truth. */
export const flag: Scalar<boolean> = {
  wireType: WireType.Varint,
  write: (writer, value) => writer.bool(value),
  read: (reader) => reader.bool(),
  zero: false,
};

/** int32 and enums. */
export const int32: Scalar<number> = {
  wireType: WireType.Varint,
  write: (writer, value) => writer.int32(value),
  read: (reader) => reader.int32(),
  zero: 0,
};

/** Bits and unsigned numbers. */
export const uint32: Scalar<number> = {
  wireType: WireType.Varint,
  write: (writer, value) => writer.uint32(value),
  read: (reader) => reader.uint32(),
  zero: 0,
};

/** int64 that is a size or a count; beyond what a number holds exactly it is rounded. */
export const int64: Scalar<number> = {
  wireType: WireType.Varint,
  write: (writer, value) => writer.int64(BigInt(Math.trunc(value))),
  read: (reader) => Number(reader.int64()),
  zero: 0,
};

/** int64 whose every digit counts, as nanoseconds do. */
export const int64Exact: Scalar<bigint> = {
  wireType: WireType.Varint,
  write: (writer, value) => writer.int64(value),
  read: (reader) => BigInt(reader.int64()),
  zero: 0n,
};

/** A field that holds one value. */
export function one<T>(number: number, scalar: Scalar<T>): Field<T> {
  return {
    number,
    write: (writer, value) => {
      if (value === scalar.zero || (value instanceof Uint8Array && value.length === 0)) return;
      scalar.write(writer.tag(number, scalar.wireType), value);
    },
    read: (reader, wireType, before) => {
      if (wireType === scalar.wireType) return scalar.read(reader);
      reader.skip(wireType, number);
      return before;
    },
    absent: () => scalar.zero,
  };
}

/** A field that may occur any number of times. Numbers are also read packed. */
export function many<T>(number: number, scalar: Scalar<T>): Field<readonly T[]> {
  return {
    number,
    write: (writer, values) => {
      for (const value of values) scalar.write(writer.tag(number, scalar.wireType), value);
    },
    read: (reader, wireType, before) => {
      if (wireType === scalar.wireType) return append(before, scalar.read(reader));
      if (wireType === WireType.LengthDelimited && scalar.wireType === WireType.Varint) {
        const end = reader.uint32() + reader.pos;
        let values = before;
        while (reader.pos < end) values = append(values, scalar.read(reader));
        return values;
      }
      reader.skip(wireType, number);
      return before;
    },
    absent: () => [],
  };
}

function append<T>(list: readonly T[], value: T): readonly T[] {
  // The list was made by `absent` for this one message, so it may grow in place.
  (list as T[]).push(value);
  return list;
}

/** A map: pairs of key (1) and value (2). */
export function map<T>(number: number, value: Scalar<T>): Field<ReadonlyMap<string, T>> {
  return {
    number,
    write: (writer, entries) => {
      for (const [key, item] of entries) {
        writer.tag(number, WireType.LengthDelimited).fork();
        writer.tag(1, WireType.LengthDelimited).string(key);
        value.write(writer.tag(2, value.wireType), item);
        writer.join();
      }
    },
    read: (reader, wireType, before) => {
      if (wireType !== WireType.LengthDelimited) {
        reader.skip(wireType, number);
        return before;
      }
      const end = reader.uint32() + reader.pos;
      let key = "";
      let item = value.zero;
      while (reader.pos < end) {
        const [field, type] = reader.tag();
        if (field === 1 && type === WireType.LengthDelimited) key = reader.string();
        else if (field === 2 && type === value.wireType) item = value.read(reader);
        else reader.skip(type, field);
      }
      (before as Map<string, T>).set(key, item);
      return before;
    },
    absent: () => new Map(),
  };
}
