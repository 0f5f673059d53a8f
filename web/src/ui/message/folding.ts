/** A message longer than this is folded, to about this. */
const LETTERS = 1_600;
const LINES = 24;
/** What would be hidden has to be worth a button. */
const REST = 1.25;

/** The part of a long text that is shown at first; the text itself when it is short. */
export function beginning(text: string): string {
  const lines = text.split("\n");
  const many = lines.length > LINES * REST;
  if (!many && text.length <= LETTERS * REST) return text;
  let short = many ? lines.slice(0, LINES).join("\n") : text;
  if (short.length > LETTERS) {
    short = short.slice(0, LETTERS);
    // Neither within a word nor within a letter of two halves.
    const blank = short.search(/\s\S*$/);
    short = blank > LETTERS * 0.8 ? short.slice(0, blank) : short.replace(/[\ud800-\udbff]$/, "");
  }
  return short.trimEnd();
}
