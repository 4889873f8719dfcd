import { humanSize } from "#base";
import type { ImageProgress } from "#engine";
import type { JsonMessage } from "#formats";
import type { JsonRecords } from "../http/json-records.ts";

/** Docker's bar in a progress record, for clients that print it as it is (moby: pkg/jsonmessage). */
function progressBar(current: number, total: number): string {
  if (current <= 0 && total <= 0) return "";
  if (total <= 0 || current > total) return humanSize(current).padStart(8);
  const filled = Math.floor((current / total) * 50);
  const arrow = filled < 50 ? `${"=".repeat(filled)}>${" ".repeat(50 - filled)}` : "=".repeat(50);
  return `[${arrow}] ${humanSize(current).padStart(8)}/${humanSize(total)}`;
}

/** The progress of the engine as Docker's records. */
export function reportTo(records: JsonRecords): ImageProgress {
  return (record) => {
    const message: JsonMessage = {};
    if (record.stream !== undefined) message.stream = record.stream;
    if (record.status !== undefined) message.status = record.status;
    if (record.progress !== undefined) {
      message.progressDetail = { ...record.progress };
      const { current, total } = record.progress;
      if (current !== undefined) message.progress = progressBar(current, total ?? 0);
    }
    if (record.id !== undefined) message.id = record.id;
    if (record.aux !== undefined) {
      // Clients wait for the key, whatever else there is.
      message.progressDetail = {};
      message.aux = record.aux;
    }
    records.write(message);
  };
}
