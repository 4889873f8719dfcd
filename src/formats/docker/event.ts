/** One line of `GET /events`, with the fields that clients before API 1.52 read. */
export type EventMessage = {
  status?: string;
  id?: string;
  from?: string;
  Type: string;
  Action: string;
  Actor: { ID: string; Attributes: Readonly<Record<string, string>> };
  scope: "local";
  /** Unix seconds. */
  time: number;
  /** A JavaScript number loses the last digits; write it as text (see the server's event document). */
  timeNano: number;
};
