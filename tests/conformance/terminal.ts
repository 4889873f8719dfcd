import { eventually } from "../engines/command.ts";
import { client, type Daemon } from "./daemon.ts";

/** The client on a pseudo-terminal, as a person would use it. */
export type TerminalSession = {
  /** Types text; "\u0003" is Ctrl-C. */
  type(text: string): void;
  /** Types `text` until the screen shows `shown` after it: for what becomes true a moment later, such as a size. */
  typesUntil(text: string, shown: string): Promise<void>;
  resize(columns: number, rows: number): void;
  /** Everything shown so far. */
  screen(): string;
  /** Waits until the screen shows `text`; throws with the screen otherwise. */
  shows(text: string | RegExp): Promise<void>;
  readonly exited: Promise<number>;
  readonly pid: number;
};

/** Runs the client with `words` on a terminal of 100 columns and 33 rows. */
export function openTerminal(daemon: Daemon, words: readonly string[]): TerminalSession {
  let screen = "";
  const decoder = new TextDecoder();
  const child = Bun.spawn([client, ...words], {
    env: { ...process.env, ...daemon.environment, TERM: "xterm" },
    terminal: {
      cols: 100,
      rows: 33,
      data(_terminal, data) {
        screen += decoder.decode(data, { stream: true });
      },
    },
  });
  const terminal = child.terminal;
  if (terminal === undefined) throw new Error("no terminal");
  return {
    type: (text) => void terminal.write(text),
    async typesUntil(text, shown) {
      await eventually(
        `the terminal to show ${shown} after ${JSON.stringify(text)}`,
        async () => {
          const from = screen.length;
          terminal.write(text);
          for (let look = 0; look < 20; look++) {
            if (screen.slice(from).includes(shown)) return true;
            await Bun.sleep(25);
          }
          return false;
        },
        20_000,
      );
    },
    resize: (columns, rows) => terminal.resize(columns, rows),
    screen: () => screen,
    async shows(text) {
      try {
        await eventually(`the terminal to show ${String(text)}`, () =>
          typeof text === "string" ? screen.includes(text) : text.test(screen),
        );
      } catch (error) {
        throw new Error(`${String(error)}; it shows ${JSON.stringify(screen)}`, { cause: error });
      }
    },
    exited: child.exited,
    pid: child.pid,
  };
}
