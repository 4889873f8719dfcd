const minimumWidth = 10;
const padding = 3;

function widthOf(cell: string): number {
  if (/^[\u0020-\u007e]*$/.test(cell)) return cell.length;
  let width = 0;
  for (const _ of cell) width++;
  return width;
}

/**
 * Aligns tab-separated lines like docker's tables: Go's text/tabwriter with cells of at least 10, padded by 3. A cell
 * counts towards its column when a tab ends it; a column is a run of adjacent lines that have it.
 */
export function tabulate(text: string): string {
  const endsWithNewline = text.endsWith("\n");
  const lines = (endsWithNewline ? text.slice(0, -1) : text).split("\n").map((line) => line.split("\t"));
  const output: string[] = lines.map(() => "");

  const format = (first: number, end: number, column: number) => {
    let line = first;
    while (line < end) {
      const hasColumn = (lines[line]?.length ?? 0) - 1 > column;
      if (!hasColumn) {
        output[line] += lines[line]?.[column] ?? "";
        line++;
        continue;
      }
      let blockEnd = line;
      let width = minimumWidth;
      while (blockEnd < end && (lines[blockEnd]?.length ?? 0) - 1 > column) {
        width = Math.max(width, widthOf(lines[blockEnd]?.[column] ?? "") + padding);
        blockEnd++;
      }
      for (let each = line; each < blockEnd; each++) {
        const cell = lines[each]?.[column] ?? "";
        output[each] += cell + " ".repeat(width - widthOf(cell));
      }
      format(line, blockEnd, column + 1);
      line = blockEnd;
    }
  };
  format(0, lines.length, 0);
  return output.join("\n") + (endsWithNewline ? "\n" : "");
}
