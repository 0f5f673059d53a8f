// A highlight as the service writes it: `<mark>` around what matches, everything else escaped as HTML. Taken apart into
// text; nothing of it is ever HTML here.
export interface Part {
  text: string;
  marked: boolean;
}

const ENTITIES: Record<string, string> = {
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  apos: "'",
  "#39": "'",
  "#x27": "'",
  "#x2F": "/",
};

function plain(escaped: string): string {
  return escaped.replace(/&(amp|lt|gt|quot|apos|#39|#x27|#x2F);/g, (whole, name: string) => ENTITIES[name] ?? whole);
}

export function marked(highlight: string): Part[] {
  const parts: Part[] = [];
  for (const [index, piece] of highlight.split("<mark>").entries()) {
    if (index === 0) {
      parts.push({ text: plain(piece), marked: false });
      continue;
    }
    const end = piece.indexOf("</mark>");
    if (end < 0) parts.push({ text: plain(piece), marked: false });
    else {
      parts.push({ text: plain(piece.slice(0, end)), marked: true });
      parts.push({ text: plain(piece.slice(end + "</mark>".length)), marked: false });
    }
  }
  return parts.filter((part) => part.text);
}
