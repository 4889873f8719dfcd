import { expect, test } from "bun:test";
import { unitText } from "./install.ts";

const unit = unitText(["--data-root", "/srv/my data", "--log-opt", 'x="y"']);

test("unitText() runs this program's daemon with the given flags, quoted for systemd", () => {
  expect(unit).toMatch(/^ExecStart=\S+.* daemon --data-root "\/srv\/my data" --log-opt "x=\\"y\\""$/m);
});

test("unitText() leaves containers alone when the daemon stops, and gives the daemon its own cgroup subtree", () => {
  for (const line of ["KillMode=process", "Delegate=yes", "Restart=on-failure", "WantedBy=multi-user.target"])
    expect(unit.split("\n")).toContain(line);
});

test("unitText() keeps systemd's own specifiers and variables out of the flags", () => {
  expect(unitText(["--data-root", "/a%b/$HOME"])).toMatch(/--data-root "?\/a%%b\/\$\$HOME"?$/m);
});
