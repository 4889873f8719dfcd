/** Text from outside made safe for a terminal: control characters are spelled out, line breaks and tabs are kept. */
export function printable(text: string): string {
  return text.replace(
    /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * Output of programs in a build: as `printable`, but carriage returns stay, and colours too where they are wanted;
 * elsewhere they are left out.
 */
export function printableOutput(text: string, isColoured: boolean): string {
  return text
    .split(/(\u001b\[[0-9;]*m|\r)/)
    .map((part, index) => {
      if (index % 2 === 0) return printable(part);
      return part === "\r" || isColoured ? part : "";
    })
    .join("");
}

/** The same on one line: a table cell or a name. */
export function printableLine(text: string): string {
  if (/^[\u0020-\u007e]*$/.test(text)) return text;
  return printable(text).replaceAll("\n", "\\n").replaceAll("\t", "\\t");
}
