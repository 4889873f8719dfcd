/** What the forwarder is told, one packet each; the bound socket comes along with "forward". */
export type ForwardOrder =
  | {
      readonly order: "forward";
      readonly key: string;
      readonly protocol: "tcp" | "udp";
      /** Address of the container, as hexadecimal digits of its 4 or 16 bytes. */
      readonly address: string;
      readonly port: number;
    }
  /** Lets go of the socket; answered by a line with the key. Connections that are there end. */
  | { readonly order: "end"; readonly key: string };

/** The descriptor on which orders come. */
export const ordersDescriptor = 3;
