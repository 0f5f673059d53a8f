// What is wrong with a field, in the reader's language: by the service's stable code; where it sends none, by its sentence.
import type { TFunction } from "i18next";

const KNOWN = new Set(["REQUIRED", "EMPTY", "TYPE", "TOO_LONG", "LENGTH", "RANGE", "REPEATED", "TOGETHER", "EMAIL", "ID", "INVALID"]);

/** How the service's English sentences begin, for services that send no codes. */
const BEGINNINGS: [RegExp, string][] = [
  [/^(?:is required|must be given)/, "REQUIRED"],
  [/^must not be empty/, "EMPTY"],
  [/^must be an e-mail/, "EMAIL"],
  [/^(?:must have at most|must name at most|is too long)/, "TOO_LONG"],
  [/^(?:must have|must name)/, "LENGTH"],
  [/^(?:must be at most|must be \d|reaches beyond|must not be later)/, "RANGE"],
  [/^must be (?:text|a list|an object|a whole number|true or false)/, "TYPE"],
];

export function codeOf(code: string | undefined, detail: unknown): string {
  if (code) return code;
  const text = String(detail ?? "");
  return BEGINNINGS.find(([beginning]) => beginning.test(text))?.[1] ?? "INVALID";
}

/** One sentence for a person. `own` words codes that only this form knows. */
export function fieldSentence(
  code: string | undefined,
  detail: unknown,
  t: TFunction,
  own: Partial<Record<string, string>> = {},
): string {
  const known = codeOf(code, detail);
  const most = /\d[\d,]*/.exec(String(detail ?? ""))?.[0];
  if (own[known]) return own[known];
  if (known === "TOO_LONG" && most) return t("field.TOO_LONG_BY", { limit: most });
  return t(`field.${KNOWN.has(known) ? known : "INVALID"}`);
}
