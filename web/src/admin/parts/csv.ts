// A table for spreadsheets as people read it: headings in their language, times in seconds. What stands in the cells is the
// service's, also where it guards against cells that would be taken for formulas.

/** The cells of a CSV text. */
export function parsed(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = "";
  let quoted = false;
  const source = text.replace(/^\uFEFF/, "");
  for (let at = 0; at < source.length; at++) {
    const letter = source[at] ?? "";
    if (quoted) {
      if (letter !== '"') cell += letter;
      else if (source[at + 1] === '"') {
        cell += '"';
        at += 1;
      } else quoted = false;
    } else if (letter === '"') quoted = true;
    else if (letter === ",") {
      row.push(cell);
      cell = "";
    } else if (letter === "\n") {
      rows.push([...row, cell]);
      row = [];
      cell = "";
    } else if (letter !== "\r") cell += letter;
  }
  if (cell || row.length) rows.push([...row, cell]);
  return rows;
}

export function written(rows: readonly (readonly string[])[]): string {
  const cell = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return `\uFEFF${rows.map((row) => row.map(cell).join(",")).join("\r\n")}\r\n`;
}

const MILLISECONDS = /Ms$/;

/** The same table with headings by `name`; columns of milliseconds in seconds. */
export function localised(text: string, name: (field: string) => string): string {
  const [fields = [], ...rows] = parsed(text);
  const heads = fields.map((field) => name(field));
  const cells = rows.map((row) =>
    row.map((value, at) => (MILLISECONDS.test(fields[at] ?? "") && /^\d+(\.\d+)?$/.test(value) ? seconds(value) : value)),
  );
  return written([heads, ...cells]);
}

const seconds = (milliseconds: string) => String(Math.round(Number(milliseconds)) / 1_000);
