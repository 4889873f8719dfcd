let passed = 0;
let failed = 0;

/** Counts one thing that must hold after the power cut, and says it when it does not. */
export function check(what: string, fine: boolean, said = ""): void {
  if (fine) passed++;
  else failed++;
  if (!fine) console.log(`(fail) after the power cut: ${what} ${said}`);
}

/** Tells the counts to `scripts/vm`, which adds them up. */
export function reportChecks(): void {
  console.log(`checked ${passed} ${failed}`);
}
