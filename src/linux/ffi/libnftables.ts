import { CString, dlopen, type Pointer } from "bun:ffi";
import { cString } from "./memory.ts";

const NFT_CTX_OUTPUT_HANDLE = 1 << 3;

/** libnftables in this process (libnftables(3)): nft's own language without a spawn, 0.1 ms a command. */
export type Libnftables = {
  /** Runs commands as one transaction; `error` is nft's text when `ok` is false. */
  run(commands: string): { readonly ok: boolean; readonly output: string; readonly error: string };
  close(): void;
};

/** Loads libnftables.so.1 with a context for the calling thread's network namespace; undefined when it is not installed. */
export function openLibnftables(): Libnftables | undefined {
  let library;
  try {
    library = dlopen("libnftables.so.1", {
      nft_ctx_new: { args: ["u32"], returns: "ptr" },
      nft_ctx_free: { args: ["ptr"], returns: "void" },
      nft_ctx_buffer_output: { args: ["ptr"], returns: "i32" },
      nft_ctx_buffer_error: { args: ["ptr"], returns: "i32" },
      nft_ctx_get_output_buffer: { args: ["ptr"], returns: "ptr" },
      nft_ctx_get_error_buffer: { args: ["ptr"], returns: "ptr" },
      nft_ctx_output_set_flags: { args: ["ptr", "u32"], returns: "void" },
      nft_run_cmd_from_buffer: { args: ["ptr", "ptr"], returns: "i32" },
    });
  } catch {
    // Not installed (or another major version): the caller has another way.
    return undefined;
  }
  const { symbols } = library;
  const context = symbols.nft_ctx_new(0);
  if (context === null) return undefined;
  symbols.nft_ctx_buffer_output(context);
  symbols.nft_ctx_buffer_error(context);
  symbols.nft_ctx_output_set_flags(context, NFT_CTX_OUTPUT_HANDLE);
  const text = (pointer: bigint | Pointer | null): string =>
    // A CString is a String object; what callers get is a plain string.
    pointer === null ? "" : "".concat(new CString(pointer));
  let open = true;
  return {
    run: (commands) => {
      const status = symbols.nft_run_cmd_from_buffer(context, cString(commands));
      const output = text(symbols.nft_ctx_get_output_buffer(context));
      const error = text(symbols.nft_ctx_get_error_buffer(context));
      return { ok: status === 0, output, error };
    },
    close: () => {
      if (open) symbols.nft_ctx_free(context);
      open = false;
    },
  };
}
