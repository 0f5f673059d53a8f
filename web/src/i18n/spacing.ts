// Chinese with something filled in: a blank stands between a Chinese character and a Latin letter or a digit, and none
// between two Chinese characters or beside Chinese punctuation, whatever is filled in. What is filled in stays as it is.

const BEGIN = "\uE000";
const END = "\uE001";

/** Marks where a value begins and ends, for {@link spaced}. */
export function marked(value: unknown): string {
  return BEGIN + String(value ?? "").replace(/[\uE000\uE001]/g, "") + END;
}

const HAN = /[\p{Script=Han}〇々]/u;
const LATIN = /[\p{Script=Latin}\p{Nd}@#%&+]/u;
const FULL = /[　-〃〈-】〔-〟！-～“”‘’…—]/u;

/** The sentence without marks; the blanks at the edges of its values are as Chinese has them, or, elsewhere, as written. */
export function spaced(text: string, chinese: boolean): string {
  if (!text.includes(BEGIN)) return text;
  if (!chinese) return text.replaceAll(BEGIN, "").replaceAll(END, "");
  let made = "";
  let inside = false;
  for (const part of text.split(/([\uE000\uE001])/)) {
    if (part === BEGIN || part === END) {
      inside = part === BEGIN;
      continue;
    }
    if (part) made = joined(made, part, inside);
  }
  return made;
}

/** Two pieces, of which one is a value (`inside`: the second), with the right blank between them. */
function joined(left: string, right: string, inside: boolean): string {
  if (!left) return right;
  // Only the sentence's own blanks may go, never one of a value.
  const before = inside ? left.replace(/ +$/, "") : left;
  const after = inside ? right : right.replace(/^ +/, "");
  const one = [...before].at(-1) ?? "";
  const other = [...after][0] ?? "";
  const had = before !== left || after !== right;
  if (!one || !other) return left + right;
  if ((HAN.test(one) && LATIN.test(other)) || (LATIN.test(one) && HAN.test(other))) return `${before} ${after}`;
  if ((HAN.test(one) && HAN.test(other)) || FULL.test(one) || FULL.test(other)) return before + after;
  return had ? left + right : before + after;
}
