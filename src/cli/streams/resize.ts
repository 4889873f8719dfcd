import { terminalSize, type TerminalSize } from "../terminal/terminal.ts";

/**
 * Tells the daemon the terminal's size now and whenever it changes. A start may not be through yet when the first size
 * is sent, so that one is tried a few times. Returns a function that stops it.
 */
export function followTerminalSize(send: (size: TerminalSize) => Promise<void>): () => void {
  let stopped = false;
  const sendNow = async (attempts: number) => {
    for (let attempt = 1; attempt <= attempts; attempt++) {
      const size = terminalSize();
      if (stopped || size === undefined) return;
      try {
        await send(size);
        return;
      } catch {
        // Gone or not there yet; a wrong size is no reason to end a session.
        await Bun.sleep(attempt * 10);
      }
    }
  };
  const onChange = () => void sendNow(1);
  process.on("SIGWINCH", onChange);
  void sendNow(10);
  return () => {
    stopped = true;
    process.off("SIGWINCH", onChange);
  };
}
