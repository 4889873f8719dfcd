import { describe, expect, test } from "bun:test";
import * as fc from "fast-check";
import { attribute, eachAttribute, nested, parseAttributes } from "./message.ts";

describe("parseAttributes()", () => {
  test("reads back what attribute() and nested() write", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 0x3fff }), fc.uint8Array({ maxLength: 40 }))),
        (parts) => {
          const data = Buffer.concat(parts.map(([type, payload]) => attribute(type, payload)));
          expect([...eachAttribute(data)].map(({ type, payload }) => [type, [...payload]])).toEqual(
            parts.map(([type, payload]) => [type, [...payload]]),
          );
          const outer = nested(7, data).subarray(0);
          expect(parseAttributes(outer).get(7)?.equals(data)).toBe(true);
        },
      ),
    );
  });

  test("stops at lengths that cannot be", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        for (const { payload } of eachAttribute(Buffer.from(bytes)))
          expect(payload.length).toBeLessThanOrEqual(bytes.length);
      }),
    );
  });
});
