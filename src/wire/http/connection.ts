/** One byte stream to the daemon. Reading is pulled, so a slow reader slows the daemon, not this process's memory. */
export type Connection = {
  /** Queues bytes; resolves once the peer keeps up, or is gone: failures are told by `read`. */
  write(data: Uint8Array | string): Promise<void>;
  /** Ends our direction (half-close); the peer may go on sending. */
  end(): void;
  /** The next bytes, or undefined when the peer has ended its direction. Never called twice at once. */
  read(): Promise<Uint8Array | undefined>;
  /** Closes both directions now; a pending read rejects with `reason` or ends. */
  destroy(reason?: Error): void;
  /** False once either side closed it. */
  readonly isOpen: boolean;
};

/** Opens a connection; rejects with the system's error (its `code` is kept) when nobody listens. */
export type Dialer = (endpoint: Endpoint, signal: AbortSignal | undefined) => Promise<Connection>;

/** PEM texts, not paths. */
export type TlsMaterial = {
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** @default true */
  readonly verifyServer?: boolean | undefined;
};

/** Where a daemon listens. `address` is what the user wrote, for messages. */
export type Endpoint =
  | { readonly kind: "unix"; readonly path: string; readonly address: string }
  | {
      readonly kind: "tcp";
      readonly host: string;
      readonly port: number;
      readonly tls: TlsMaterial | undefined;
      readonly address: string;
    };
