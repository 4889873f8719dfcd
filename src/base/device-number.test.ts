import { expect, test } from "bun:test";
import { splitDeviceNumber } from "./device-number.ts";

test("splitDeviceNumber() reads the 64-bit dev_t", () => {
  expect(splitDeviceNumber(0x0103)).toEqual({ major: 1, minor: 3 });
  expect(splitDeviceNumber(0xfe00)).toEqual({ major: 254, minor: 0 });
});
