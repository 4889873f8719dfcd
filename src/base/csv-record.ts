/**
 * The fields of one CSV record, as flags like `--mount`, `--secret` and `RUN --mount` are written: a field may stand in
 * double quotes, in which `""` is a quote. Throws an Error in the words of Go's encoding/csv, by which Docker reads them.
 */
export function readCsvRecord(text: string): string[] {
  const fields: string[] = [];
  for (let position = 0; ;) {
    let field = "";
    if (text[position] === '"') {
      for (position++; text[position] !== '"' || text[position + 1] === '"'; position++) {
        if (position >= text.length) throw fault(text, text.length, 'extraneous or missing " in quoted-field');
        field += text[position];
        if (text[position] === '"') position++;
      }
      position++;
      if (position < text.length && text[position] !== ",") {
        throw fault(text, position - 1, 'extraneous or missing " in quoted-field');
      }
    } else {
      const end = text.indexOf(",", position);
      field = text.slice(position, end === -1 ? undefined : end);
      if (field.includes('"')) throw fault(text, text.indexOf('"', position), 'bare " in non-quoted-field');
      position = end === -1 ? text.length : end;
    }
    fields.push(field);
    if (position >= text.length) return fields;
    position++;
  }
}

/** Go counts columns in bytes, from one. */
function fault(text: string, position: number, what: string): Error {
  const column = Buffer.byteLength(text.slice(0, position)) + 1;
  return new Error(`parse error on line 1, column ${column}: ${what}`);
}
