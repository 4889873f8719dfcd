declare const brand: unique symbol;

/** 64 lower-case hex digits naming a container. */
export type ContainerId = string & { readonly [brand]?: "ContainerId" };
/** 64 lower-case hex digits naming one exec of a container. */
export type ExecId = string & { readonly [brand]?: "ExecId" };

/**
 * A fresh random 64-hex id. Never one whose first 12 digits are all decimal: those become the
 * hostname and a purely numeric hostname breaks programs (Docker's stringid rule).
 */
export function newId(): string {
  for (;;) {
    const id = Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("hex");
    if (!/^\d{12}/.test(id)) return id;
  }
}

/** The 12-digit form people see. Accepts an id with or without the `sha256:` prefix. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, "").slice(0, 12);
}

/** True for a full 64-hex id. */
export function isFullId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}
