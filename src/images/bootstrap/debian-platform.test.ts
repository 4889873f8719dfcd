import { expect, test } from "bun:test";
import { debianPlatform } from "./debian-platform.ts";

test.each([
  ["linux/arm64", "arm64", undefined, "arm64"],
  ["linux/arm64/v8", "arm64", undefined, "arm64"],
  ["arm64", "arm64", undefined, "arm64"],
  ["linux/arm", "arm", "v7", "armhf"],
  ["linux/arm/v7", "arm", "v7", "armhf"],
  ["armhf", "arm", "v7", "armhf"],
  ["linux/386", "386", undefined, "i386"],
  ["linux/ppc64le", "ppc64le", undefined, "ppc64el"],
])("debianPlatform() reads %s", (text, architecture, variant, debian) => {
  expect(debianPlatform("debian:12", text)).toEqual({ architecture, variant, debian });
});

test.each(["windows/amd64", "linux/arm64/v9", "linux/", "ia64", "linux/amd64/v1/x"])(
  "debianPlatform() refuses %s and names what there is",
  (text) => {
    expect(() => debianPlatform("debian:12", text)).toThrow(`cannot make debian:12 for ${text}`);
  },
);
