import { fstatSync } from "node:fs";

/**
 * True when a descriptor is a terminal. Everything but a character device is settled by fstat, as is /dev/null (major
 * 1): `node:tty` costs 9 ms to load and is asked only when it may say yes.
 */
export function isTerminal(descriptor: number): boolean {
  try {
    const status = fstatSync(descriptor);
    if (!status.isCharacterDevice()) return false;
    if (process.platform === "linux" && status.rdev >> 8 === 1) return false;
  } catch {
    // A closed descriptor is no terminal.
    return false;
  }
  return process.getBuiltinModule("node:tty").isatty(descriptor);
}

export type TerminalSize = { readonly rows: number; readonly columns: number };

/** The size of the terminal we write to, or read from; undefined when neither is one. */
export function terminalSize(): TerminalSize | undefined {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.isTTY) continue;
    const [columns, rows] = stream.getWindowSize();
    if (columns > 0) return { rows, columns };
  }
  return undefined;
}

/** How wide help and live views may be. */
export function outputColumns(): number {
  if (!isTerminal(1)) return 80;
  return terminalSize()?.columns ?? 80;
}

/** Puts the terminal into raw mode; the function returned puts it back and may be called often. */
export function enterRawMode(): () => void {
  const { stdin } = process;
  stdin.setRawMode(true);
  let restored = false;
  const restore = () => {
    if (restored) return;
    restored = true;
    process.off("exit", restore);
    stdin.setRawMode(false);
  };
  process.on("exit", restore);
  return restore;
}
