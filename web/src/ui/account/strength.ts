// How good a password is, as far as a page can say; the service has the last word and knows the commonest ones.

export type Verdict = "empty" | "short" | "long" | "name" | "simple" | "weak" | "fair" | "good";

const SIMPLE = /^(?:\d+|[a-z]+\d{0,4}[!.?]?|(.)\1+)$/i;
const KNOWN = ["password", "passwort", "qwerty", "abc123", "letmein", "welcome", "iloveyou", "admin", "wardline", "12345678", "hospital", "woaini"];
const ROWS = ["abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm", "01234567890"];

/** How good it is, and if it cannot be taken, why. `about` is what others know: username, name. */
export function verdict(password: string, about: readonly string[] = []): Verdict {
  if (!password) return "empty";
  const length = [...password].length;
  if (length < 8) return "short";
  if (length > 128) return "long";
  const plain = password.normalize("NFKC").toLowerCase();
  const names = about.map((one) => one.normalize("NFKC").toLowerCase()).filter((one) => one.length >= 2);
  if (names.some((name) => plain === name || plain === [...name].reverse().join(""))) return "name";
  const rest = [...names, ...KNOWN].reduce((left, word) => left.replaceAll(word, "*"), plain);
  const kinds = [/\p{Ll}/u, /\p{Lu}/u, /\d/, /[^\p{L}\d]/u, /\p{Lo}/u].filter((kind) => kind.test(password)).length;
  const different = new Set(withoutRuns(rest)).size;
  if (different <= 4 || rest.length <= 4 || (length < 12 && SIMPLE.test(password) && kinds < 2)) return "simple";
  if (length >= 16 && different >= 8) return "good";
  if (length >= 12 && different >= 8 && kinds >= 2) return "good";
  if (length >= 10 && different >= 7 && kinds >= 2) return "fair";
  return "weak";
}

/** What can be taken; of the rest the reason is said at once. */
export const acceptable = (one: Verdict) => one === "weak" || one === "fair" || one === "good";

/** Of letters that follow one another on a keyboard or in the alphabet only the first counts. */
function withoutRuns(text: string): string {
  let kept = "";
  for (const [at, letter] of [...text].entries()) {
    const before = [...text][at - 1] ?? "";
    const run = ROWS.some((row) => row.includes(before + letter) || row.includes(letter + before));
    if (at === 0 || !(run || letter === before)) kept += letter;
  }
  return kept;
}
