import { errors } from "../errors.ts";

/** Docker's defaults for `--tmpfs`, before the user's own options. */
const defaults = ["noexec", "nosuid", "nodev"];

/** The opposite of each default, by which a user takes it back. */
const opposites: Readonly<Record<string, string>> = { exec: "noexec", suid: "nosuid", dev: "nodev" };

/** What a tmpfs may be told (moby/sys/mount, flags.go, MergeTmpfsOptions); keys with a value end in "=". */
const valid: ReadonlySet<string> = new Set(
  "exec noexec suid nosuid dev nodev rw ro sync async dirsync remount mand nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave rslave relatime norelatime strictatime nostrictatime defaults mode= uid= gid= nr_inodes= nr_blocks= size= mpol= huge= noswap".split(
    " ",
  ),
);

const wordsOf = (text: string) => text.split(",").filter((option) => option !== "");

/** Refuses options no tmpfs has. */
export function checkTmpfsOptions(text: string): void {
  for (const option of wordsOf(text)) {
    const at = option.indexOf("=");
    const name = at < 0 ? option : option.slice(0, at + 1);
    if (!valid.has(name)) throw errors.tmpfsOptionInvalid(option);
  }
}

/** A tmpfs's options: Docker's defaults less what the user takes back, then the user's. */
export function tmpfsOptions(given: readonly string[]): string[] {
  const taken = new Set(given.map((option) => opposites[option]));
  return [...defaults.filter((option) => !taken.has(option)), ...given];
}

/** Those of one `--tmpfs path:options`. */
export function tmpfsOptionsOf(text: string): string[] {
  return tmpfsOptions(wordsOf(text).filter((option) => option !== "defaults"));
}
