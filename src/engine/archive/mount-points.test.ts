import { expect, test } from "bun:test";
import { withoutMountPoints } from "./mount-points.ts";

const points = ["/etc/hosts", "/sys", "/data/cache"];

test("withoutMountPoints() drops mount points and what changed for their sake alone", () => {
  expect(
    withoutMountPoints(
      [
        { kind: "added", path: "/data" },
        { kind: "added", path: "/data/cache" },
        { kind: "modified", path: "/etc" },
        { kind: "added", path: "/etc/hosts" },
        { kind: "added", path: "/sys" },
        { kind: "added", path: "/tmp/x" },
      ],
      points,
    ),
  ).toEqual([{ kind: "added", path: "/tmp/x" }]);
});

test("withoutMountPoints() keeps a directory in which something else changed", () => {
  const changes = [
    { kind: "modified", path: "/etc" },
    { kind: "added", path: "/etc/hosts" },
    { kind: "modified", path: "/etc/passwd" },
  ] as const;
  expect(withoutMountPoints(changes, points).map(({ path }) => path)).toEqual(["/etc", "/etc/passwd"]);
});
