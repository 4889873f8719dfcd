import { describe, expect, test } from "bun:test";
import { referenceTable } from "../testing/reference-data.ts";
import { parseDeviceFlag } from "./device-flag.ts";
import { parseMountFlag } from "./mount-flag.ts";

const same = (word: string) => word;

describe("parseMountFlag()", () => {
  test("fills in what is left out", () => {
    expect(parseMountFlag("target=/x", same)).toMatchObject({ type: "bind", readonly: true, sharing: "shared" });
    expect(parseMountFlag("type=cache,dst=/x", same)).toMatchObject({ type: "cache", readonly: false });
    expect(parseMountFlag("type=tmpfs,target=/x,size=1m", same)).toMatchObject({ sizeBytes: 1 << 20, readonly: false });
  });

  test.each([
    ["target=/x,rw", { readonly: false }],
    ["target=/x,rw=false", { readonly: true }],
    ["target=/x,ro=0", { readonly: false }],
    ["TYPE=Cache,ID=a,Target=/x,sharing=LOCKED", { type: "cache", id: "a", sharing: "locked" }],
    ["type=secret,id=a,required,mode=0444,uid=1,gid=2", { required: true, mode: 0o444, uid: 1, gid: 2 }],
    ["type=secret,id=a,required=false,env=X", { required: false, env: "X" }],
    ['"source=with,comma",target=/x', { source: "with,comma" }],
  ])("reads %j", (text, expected) => {
    expect(parseMountFlag(text, same)).toMatchObject(expected);
  });

  test("expands every value but from", () => {
    const expand = (word: string) => word.replaceAll("$X", "y");
    expect(parseMountFlag("type=cache,id=$X,target=/$X", expand)).toMatchObject({ id: "y", target: "/y" });
    expect(() => parseMountFlag("from=$X,target=/x", expand)).toThrow("define alias stage instead");
  });

  test("without variables everything is checked at once; with them it waits", () => {
    expect(() => parseMountFlag("type=wat,target=/x")).toThrow('unsupported mount type "wat"');
    expect(() => parseMountFlag("type=$T,target=/x,mode=$M")).not.toThrow();
  });

  test.each([
    ["type=cache,target=/x,sharing=sometimes", 'unsupported sharing value "sometimes"'],
    ["target=/x,sharing=shared", "invalid cache sharing set for bind mount"],
    ["target=/x,required", "unexpected key 'required' for mount type 'bind'"],
    ["target=/x,size=1m", "unexpected key 'size' for mount type 'bind'"],
    ["type=tmpfs,target=/x,size=lots", "invalid value for size: lots"],
    ["type=cache,target=/x,mode=9", "invalid value 9 for mode"],
    ["type=secret,from=x,id=a", "secret mount should not have a from"],
    ["type=ssh,source=x", "ssh does not support source"],
    ["target", "invalid field 'target' must be a key=value pair"],
    ["target=/x,rw=perhaps", "invalid value for rw: perhaps"],
    ['"target=/x', 'missing " in quoted-field'],
  ])("refuses %j", (text, message) => {
    expect(() => parseMountFlag(text, same)).toThrow(message);
  });
});

describe("parseDeviceFlag()", () => {
  test.each([
    ["vendor.com/class=one", { name: "vendor.com/class=one", required: false }],
    ["name=vendor.com/class,required", { name: "vendor.com/class", required: true }],
  ])("reads %j", (text, expected) => {
    expect(parseDeviceFlag(text)).toEqual(expected);
  });

  type Row = {
    readonly input: string;
    readonly expected: { readonly Name: string; readonly Required: boolean } | null;
    readonly expectedErr: string | null;
  };
  test.each(referenceTable<Row>("instructions/run-device.json").map((row) => [row.input, row] as const))(
    "as BuildKit: %s",
    (text, { expected, expectedErr }) => {
      if (expectedErr !== null) expect(() => parseDeviceFlag(text)).toThrow(expectedErr);
      else expect(parseDeviceFlag(text)).toEqual({ name: expected?.Name ?? "", required: expected?.Required ?? false });
    },
  );
});
