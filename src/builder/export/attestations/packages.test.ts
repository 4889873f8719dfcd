import { expect, test } from "bun:test";
import { apkPackages, dpkgPackages } from "./packages.ts";

test("dpkgPackages lists what is installed and nothing else", () => {
  const status = `Package: libc6
Status: install ok installed
Architecture: amd64
Source: glibc (2.36-9)
Version: 2.36-9+deb12u10
Description: GNU C Library
 with a second line: and a colon

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1
`;
  expect(dpkgPackages(status, "debian", "debian-12")).toMatchObject([
    {
      name: "libc6",
      version: "2.36-9+deb12u10",
      source: "glibc (2.36-9)",
      url: "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
    },
  ]);
});

test("apkPackages reads letters", () => {
  expect(
    apkPackages("C:Q1x=\nP:musl\nV:1.2.5-r0\nA:x86_64\nL:MIT\no:musl\n\nP:nothing\n", "alpine", "alpine-3.20"),
  ).toMatchObject([
    {
      name: "musl",
      version: "1.2.5-r0",
      licence: "MIT",
      url: "pkg:apk/alpine/musl@1.2.5-r0?arch=x86_64&distro=alpine-3.20",
    },
  ]);
});
