/**
 * Puts a piece of text into a field as if it had been typed, in place of what stands between two places: through the
 * browser's own editing, so that Ctrl+Z takes it back, and with the event that typing has.
 */
export function insertInto(field: HTMLTextAreaElement, from: number, to: number, piece: string): void {
  field.focus();
  field.setSelectionRange(from, to);
  if (document.execCommand("insertText", false, piece)) return;
  // A browser without it: the text is right, its history is not.
  field.setRangeText(piece, from, to, "end");
  field.dispatchEvent(new Event("input", { bubbles: true }));
}
