// What in a text can be opened or called: web addresses, e-mail addresses, telephone numbers. Nothing here is ever HTML.

export interface Piece {
  text: string;
  /** Absent for plain text. */
  href?: string;
  kind?: "web" | "mail" | "phone";
}

// Blanks, quotes, brackets of prose, and characters that turn or hide text end an address.
const END = "\\s<>\"'`“”‘’（）【】《》「」，。；！？、\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff";
const WEB = new RegExp(`(?<![\\p{Script=Latin}\\p{N}@._/-])(?:https?://|www\\.)[^${END}]+`, "giu");
const MAIL = /(?<![\p{L}\p{N}@._%+/-])[a-z0-9](?:[a-z0-9._%+-]{0,62}[a-z0-9_%+-])?@(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,24}(?![\p{Script=Latin}\p{N}@_-]|\.[a-z])/giu;
const HOUSE = "(?:ext(?:ension)?\\.?|分机号?|内线)\\s*[:：]?\\s*";
const PHONE = new RegExp(
  `(?<![\\p{Script=Latin}\\p{N}_@#/:.+*=-])(\\+?\\(?\\d(?:[\\d]|[ ().-](?=[\\d(])|\\) ?(?=\\d)){5,21}\\d)(?:[ ,，]*(?:${HOUSE}|转\\s*|x)(\\d{2,6}))?(?![\\p{Script=Latin}\\p{N}_@/%°-]|[.:,]\\d)`,
  "giu",
);
const EXTENSION = new RegExp(`(?<![\\p{Script=Latin}\\p{N}])(${HOUSE})(\\d{2,6})(?![\\p{L}\\p{N}_@/%.-]\\d?)`, "giu");

/** A text as pieces, in order; together they are the text, but for hosts that are shown as a browser reads them. */
export function pieces(text: string): Piece[] {
  const found = [...web(text), ...mail(text), ...phones(text), ...extensions(text)].sort((a, b) => a.at - b.at);
  const parts: Piece[] = [];
  let from = 0;
  for (const { at, length, piece } of found) {
    if (at < from) continue;
    if (at > from) parts.push({ text: text.slice(from, at) });
    parts.push(piece);
    from = at + length;
  }
  if (from < text.length) parts.push({ text: text.slice(from) });
  return parts;
}

interface Found {
  at: number;
  length: number;
  piece: Piece;
}

function* web(text: string): Generator<Found> {
  for (const match of text.matchAll(WEB)) {
    const written = trimmed(match[0]);
    const address = parsed(written);
    if (!address) continue;
    yield { at: match.index, length: written.length, piece: { text: shown(written, address), href: address.href, kind: "web" } };
  }
}

/** Without the punctuation of the sentence around it; brackets stay where they are closed within the address. */
function trimmed(written: string): string {
  let kept = written;
  for (;;) {
    const last = kept.at(-1) ?? "";
    const open = { ")": "(", "]": "[", "}": "{" }[last];
    const unpaired = open !== undefined && count(kept, last) > count(kept, open);
    if (!unpaired && !".,;:!?*_~|\\".includes(last)) return kept;
    if (kept === "") return kept;
    kept = kept.slice(0, -1);
  }
}

const count = (text: string, letter: string) => text.split(letter).length - 1;

/** As a browser would take it; what pretends to be another host (`https://known.example@other.example`) is none. */
function parsed(written: string): URL | null {
  try {
    const address = new URL(/^www\./i.test(written) ? `https://${written}` : written);
    const named = address.hostname.includes(".") || address.hostname === "localhost" || address.hostname.startsWith("[");
    const plain = !address.username && !address.password && !written.includes("\\");
    return named && plain ? address : null;
  } catch {
    return null;
  }
}

/** Letters of other scripts look like Latin ones: such hosts are shown in the form that cannot deceive. Chinese ones do not. */
function shown(written: string, address: URL): string {
  const host = /^(?:https?:\/\/)?([^/?#:]*)/i.exec(written)?.[1] ?? "";
  const plain = /^[\x21-\x7e]*$/.test(host);
  const chinese = host.split(".").every((label) => /^(?:\p{Script=Han}+|[a-z0-9-]+)$/iu.test(label));
  return plain || chinese ? written : written.replace(host, address.hostname);
}

function* mail(text: string): Generator<Found> {
  for (const match of text.matchAll(MAIL))
    yield { at: match.index, length: match[0].length, piece: { text: match[0], href: `mailto:${match[0]}`, kind: "mail" } };
}

/** What stands before a number that is the name of a thing, or after one that is an amount. */
const NAMED = /(?:\b(?:mrn|id|no|nr|number|case|record|order|patient|specimen|barcode|lot|batch|ref(?:erence)?|code|account|serial|icd|nhs|visit|invoice)\b|№|#|号码?|编号|编码|条码|批号|登记|身份证|病历|医嘱|处方|序列|单号)\s*(?:is|为|是)?\s*[.:：#]?\s*$/iu;
const CALLED = /(?:tel(?:ephone)?|phone|mobile|cell|call|fax|pager|bleep|电话|手机|联系|座机|传真|热线|致电)(?:\s*(?:no|nr|number|号码?|方式))?\s*(?:is|为|是|at|on)?\s*[.:：]?\s*$/iu;
const AMOUNT = /^\s*(?:[µμu]?g|mc?g|kg|m[lL]|[lL]|iu|u|units?|mmol|meq|mm|cm|mmhg|kcal|cells?|copies|x\s*10|×|\*|\/|%|°|单位|毫克|微克|克|毫升|升|国际单位|元|人|次|个|份|例|步|年)(?![a-z])/iu;
const DATE = /(?:^|[^\d])(?:19|20)\d{2}[-. ]\d{1,2}[-. ]\d{1,2}(?!\d)|(?:^|[^\d])\d{1,2}[-. ]\d{1,2}[-. ](?:19|20)\d{2}(?!\d)/;
const SOLID_DATE = /^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:\d{4}|\d{6})?$/;
const GROUPS = /^(?:\+|\(|0)|^\d{3}[ .-]\d{3,4}[ .-]\d{4}$|^\d{3}[ .-]\d{4}[ .-]\d{3,4}$|^\d{3,4}[ -]\d{7,8}$|^\d{3,4}-\d{4}$|^\d{4} \d{4}$|^[2-9]00[ -]\d{3}[ -]\d{3,4}$/;

function* phones(text: string): Generator<Found> {
  for (const match of text.matchAll(PHONE)) {
    const [whole, number = "", extension] = match;
    const digits = number.replace(/\D/g, "");
    if (digits.length < 7 || digits.length > 15 || count(number, "(") !== count(number, ")")) continue;
    const solid = /^\d+$/.test(number);
    if (/^\d+\.\d+$/.test(number)) continue;
    if (DATE.test(number) || SOLID_DATE.test(number)) continue;
    const before = text.slice(Math.max(0, match.index - 32), match.index);
    const called = CALLED.test(before);
    if (!called && NAMED.test(before)) continue;
    if (AMOUNT.test(text.slice(match.index + whole.length, match.index + whole.length + 12))) continue;
    // Digits in a row are a number by their length; groups of them only in the forms that numbers have.
    if (solid ? digits.length > 12 : !called && !GROUPS.test(number)) continue;
    const href = `tel:${number.startsWith("+") ? "+" : ""}${digits}${extension ? `;ext=${extension}` : ""}`;
    yield { at: match.index, length: whole.length, piece: { text: whole, href, kind: "phone" } };
  }
}

/** A house number of its own: «ext 4021», «分机 8012». */
function* extensions(text: string): Generator<Found> {
  for (const match of text.matchAll(EXTENSION))
    yield { at: match.index, length: match[0].length, piece: { text: match[0], href: `tel:${match[2]}`, kind: "phone" } };
}

/** A telephone number as a profile holds it, for a link; empty when it is none. */
export function telephone(number: string): string {
  const [main = "", extension] = number.split(new RegExp(`(?:${HOUSE}|转\\s*)`, "iu"));
  const digits = main.replace(/\D/g, "");
  if (digits.length < 2) return extension ? `tel:${extension.replace(/\D/g, "")}` : "";
  const plus = main.trim().startsWith("+") ? "+" : "";
  return `tel:${plus}${digits}${extension ? `;ext=${extension.replace(/\D/g, "")}` : ""}`;
}
