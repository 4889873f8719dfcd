import { expect, test } from "bun:test";
import { failureReason, phaseOf } from "./mmdebstrap.ts";

test.each([
  ["I: running apt-get update...", "Reading the package lists"],
  ["I: installing remaining packages inside the chroot...", "Installing the other packages"],
  ["I: running --customize-hook in shell: sh -c 'rm'", undefined],
  ["done", undefined],
])("phaseOf(%p) is %p", (line, phase) => {
  expect(phaseOf(line)).toBe(phase);
});

test.each([
  [
    [
      "Err:4 http://m/debian nosuch Release",
      "E: The repository 'http://m/debian nosuch Release' does not have a Release file.",
    ],
    'the host\'s package archive has no suite "nosuch"',
  ],
  [
    [
      "W: Failed to fetch http://m/debian/InRelease  Temporary failure resolving 'm'",
      "E: The repository 'http://m/debian nosuch Release' does not have a Release file.",
    ],
    "the package archive cannot be reached: Failed to fetch http://m/debian/InRelease  Temporary failure resolving 'm'",
  ],
  [["I: x", "E: Unable to locate package y", "E: mmdebstrap failed to run"], "E: Unable to locate package y"],
  [
    ["E: arm64 can neither be executed natively nor via qemu user emulation with binfmt_misc"],
    "programs of that platform cannot be run here: apt-get install qemu-user-static binfmt-support arch-test",
  ],
  [["one", "two"], "one; two"],
])("failureReason(%p)", (lines, reason) => {
  expect(failureReason("nosuch", lines)).toBe(reason);
});
