// Times as people on a ward read them.
import { serviceClock } from "../../core/clock";
import { language } from "../../i18n";

const formats = new Map<string, Intl.DateTimeFormat>();

/** What is no time, from wherever it came, is drawn as a dash: a number out of range must not take the page with it. */
function format(name: string, options: Intl.DateTimeFormatOptions): { format(at: Date): string } {
  const made = formatOf(name, options);
  return { format: (at) => (Number.isNaN(at.getTime()) ? "–" : made.format(at)) };
}

function formatOf(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language()} ${name}`;
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(language() === "en" ? "en-GB" : language(), options);
    formats.set(key, made);
  }
  return made;
}

/** 14:05 */
export function clockTime(at: string | number): string {
  return format("time", { hour: "2-digit", minute: "2-digit", hour12: false }).format(new Date(at));
}

/** The day as a number that is the same for all times of one local day. */
export function dayOf(at: string | number): number {
  const date = new Date(at);
  return date.getFullYear() * 10_000 + date.getMonth() * 100 + date.getDate();
}

/** How many days ago, by the calendar. */
function daysAgo(at: Date): number {
  const midnight = (date: Date) => new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();
  return Math.round((midnight(new Date(serviceClock.now())) - midnight(at)) / 86_400_000);
}

/** Today, yesterday, Monday 3 March. */
export function dayName(at: string | number, t: (key: string) => string): string {
  const date = new Date(at);
  const ago = daysAgo(date);
  if (ago === 0) return t("thread.today");
  if (ago === 1) return t("thread.yesterday");
  const sameYear = date.getFullYear() === new Date(serviceClock.now()).getFullYear();
  const options: Intl.DateTimeFormatOptions = { weekday: "long", day: "numeric", month: "long" };
  return format(sameYear ? "day" : "year", sameYear ? options : { ...options, year: "numeric" }).format(date);
}

/** Short, for lists: 14:05, yesterday, Mon, 3 Mar. */
export function shortTime(at: string | number, t: (key: string) => string): string {
  const date = new Date(at);
  const ago = daysAgo(date);
  if (ago <= 0) return clockTime(at);
  if (ago === 1) return t("thread.yesterday");
  if (ago < 7) return format("weekday", { weekday: "short" }).format(date);
  if (date.getFullYear() === new Date(serviceClock.now()).getFullYear())
    return format("date", { day: "numeric", month: "short" }).format(date);
  return format("full", { dateStyle: "short" }).format(date);
}

/** Everything, for titles and receipts. */
export function fullTime(at: string | number): string {
  return format("all", { dateStyle: "medium", timeStyle: "short", hour12: false }).format(new Date(at));
}

/** 65 → 1:05 */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** 1536 → 1.5 kB */
export function fileSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`;
}
