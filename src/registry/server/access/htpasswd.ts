import { createHmac, randomBytes } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { errorMessage, type Logger, Semaphore } from "#base";

/** Checks passwords against a file of `user:bcrypt` lines. */
export type PasswordFile = {
  verify(user: string, password: string): Promise<boolean>;
};

/** A verified password is believed for so long without hashing again: one pull is dozens of requests. */
const REMEMBERED_MS = 5 * 60 * 1000;
const REMEMBERED_USERS = 10_000;

/** Of a password nobody has; checked for users that do not exist, so that they take as long. */
const nobody = "$2b$10$abcdefghijklmnopqrstuuH3m1CkWf8rHqGkKcDCT0Rw3qkLpE9Da";

function parseFile(path: string): Map<string, string> {
  const hashes = new Map<string, string>();
  for (const [index, line] of readFileSync(path, "utf8").split("\n").entries()) {
    const text = line.trim();
    if (text === "" || text.startsWith("#")) continue;
    const colon = text.indexOf(":");
    const hash = text.slice(colon + 1);
    if (colon < 1 || !/^\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}$/.test(hash)) {
      throw new Error(`line ${index + 1} is no "user:bcrypt hash" (htpasswd -B writes them)`);
    }
    hashes.set(text.slice(0, colon), hash);
  }
  return hashes;
}

/**
 * Opens a file as `htpasswd -B` writes it. It is read again when it changes; while it cannot be read, the last good state
 * counts.
 */
export function openPasswordFile(path: string, logger: Logger): PasswordFile {
  let hashes = parseFile(path);
  let stamp = statSync(path).mtimeMs;
  // A digest under a key of this process: no passwords in memory.
  const key = randomBytes(32);
  const remembered = new Map<string, { readonly proof: string; readonly untilMs: number }>();
  const hashing = new Semaphore(4);

  const refresh = () => {
    try {
      const now = statSync(path).mtimeMs;
      if (now === stamp) return;
      hashes = parseFile(path);
      stamp = now;
      remembered.clear();
    } catch (error) {
      logger.error("the password file cannot be read; the last good one counts", { path, error: errorMessage(error) });
    }
  };

  return {
    verify: async (user, password) => {
      refresh();
      // bcrypt reads 72 bytes; longer input would be cut in silence.
      if (Buffer.byteLength(password) > 72) return false;
      const hash = hashes.get(user);
      const proof = createHmac("sha256", key).update(`${user}\0${password}\0${hash}`).digest("hex");
      const known = remembered.get(user);
      if (hash !== undefined && known?.proof === proof && known.untilMs > Date.now()) return true;
      const isRight = await hashing.run(() => Bun.password.verify(password, hash ?? nobody));
      if (hash === undefined || !isRight) return false;
      if (remembered.size >= REMEMBERED_USERS) remembered.clear();
      remembered.set(user, { proof, untilMs: Date.now() + REMEMBERED_MS });
      return true;
    },
  };
}
