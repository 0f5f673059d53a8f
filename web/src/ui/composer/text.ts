// What can be known of a text before it is sent.
import { language } from "../../i18n";

/** The service's limit. */
export const TEXT_LIMIT = 8_000;

/** How many characters a text has, as the service counts them; quick also for a whole book. */
export function lengthOf(text: string): number {
  let count = 0;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) !== 0xdc00) count += 1;
  return count;
}

/** 232000 → 232,000 */
export function grouped(count: number): string {
  return new Intl.NumberFormat(language()).format(count);
}

/** A text that is too long for a message, as a file. */
export function asTextFile(text: string, now = new Date()): File {
  const two = (part: number) => String(part).padStart(2, "0");
  const day = `${now.getFullYear()}${two(now.getMonth() + 1)}${two(now.getDate())}`;
  const name = `text-${day}-${two(now.getHours())}${two(now.getMinutes())}.txt`;
  return new File([text], name, { type: "text/plain" });
}
