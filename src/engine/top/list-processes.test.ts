import { expect, test } from "bun:test";
import { parseProcessTable } from "./list-processes.ts";

const output = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 05:32 ?        00:00:00 /sbin/init
root          42       1  0 05:33 ?        00:00:01 sh -c echo  hi; sleep 9
`;

test("parseProcessTable() keeps the lines of the given processes and the command's words in one cell", () => {
  const table = parseProcessTable(output, [42]);
  expect(table.titles).toEqual(["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"]);
  expect(table.processes).toEqual([["root", "42", "1", "0", "05:33", "?", "00:00:01", "sh -c echo hi; sleep 9"]]);
});

test("parseProcessTable() refuses output without a PID column", () => {
  expect(() => parseProcessTable("USER COMMAND\nroot sh\n", [1])).toThrow("PID");
});
