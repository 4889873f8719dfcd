import { expect, test } from "bun:test";
import { lastReason } from "./daemon-start.ts";

test.each([
  [
    'time=x level=info msg=a\ntime=x level=error msg="daemon could not start" error="no \\"nft\\" here"\n',
    'no "nft" here',
  ],
  [
    'time=x level=error msg="daemon could not start" error=EPERM\nHint: run it as root\n',
    "EPERM\nHint: run it as root",
  ],
  ["berth daemon: must run as root\nHint: use sudo\n", "must run as root\nHint: use sudo"],
  ["", ""],
])("lastReason(%p) is %p", (log, reason) => {
  expect(lastReason(log)).toBe(reason);
});
