import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { eventually, mustRun, runCommand } from "../engines/command.ts";

/** A file system of its own whose writes can be cut off at any moment, as a machine's are when its power goes. */
export type CuttableDisk = {
  /** Where it is mounted. */
  readonly directory: string;
  /**
   * Nothing reaches the disk from now on; what was not synced is lost. `journal`: what ext4 has in its journal so far is
   * written before that, which leaves files that were made and not synced without their contents.
   */
  cut(options: { readonly journal: boolean }): Promise<void>;
  /** Mounts it again, as the next boot does. Nobody may use it any more. */
  remount(): Promise<void>;
  destroy(): Promise<void>;
};

/** FS_IOC_SHUTDOWN of ext4 (fs/ext4/ioctl.c), with EXT4_GOING_FLAGS_LOGFLUSH or EXT4_GOING_FLAGS_NOLOGFLUSH. */
const shutdown = 'open(my $fs, "<", $ARGV[0]) or die $!; ioctl($fs, 0x8004587d, pack("I", $ARGV[1])) or die $!';

/** Makes an ext4 of `megabytes` in a file of a temporary directory. */
export async function createCuttableDisk(megabytes: number): Promise<CuttableDisk> {
  const outer = mkdtempSync(join(tmpdir(), "berth-cuttable-disk-"));
  const file = join(outer, "disk");
  const directory = join(outer, "mount");
  mkdirSync(directory);
  await mustRun(["truncate", "-s", `${megabytes}M`, file]);
  await mustRun(["mkfs.ext4", "-q", file]);
  const mount = () => mustRun(["mount", "-o", "loop", file, directory]);
  await mount();
  return {
    directory,
    cut: async ({ journal }) => {
      await mustRun(["perl", "-e", shutdown, directory, journal ? "1" : "2"]);
    },
    remount: async () => {
      const isLetGoOf = async () => {
        if ((await runCommand(["umount", directory])).exitCode !== 0) return false;
        await mount();
        // A mount namespace that was made meanwhile may have it too; while one has, this is still the one that was cut.
        return (await runCommand(["touch", directory])).exitCode === 0;
      };
      await eventually("the disk to be let go of", isLetGoOf, 30_000);
    },
    destroy: async () => {
      await runCommand(["umount", "--lazy", directory]);
      rmSync(outer, { recursive: true, force: true });
    },
  };
}
