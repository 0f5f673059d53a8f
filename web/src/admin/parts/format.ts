// Numbers, spans of time and moments, as people read them.
import { serviceClock } from "../../core/clock";
import type { Translate } from "../texts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export function number(value: number, locale: string): string {
  return new Intl.NumberFormat(locale).format(value);
}

/** A span in at most two units; a dash when there is none. */
export function span(milliseconds: number | null | undefined, t: Translate): string {
  if (milliseconds === null || milliseconds === undefined) return t("time.none");
  const seconds = Math.max(0, Math.round(milliseconds / SECOND));
  if (seconds < 60) return t("time.seconds", { count: milliseconds > 0 ? Math.max(1, seconds) : 0 });
  const rounded = seconds * SECOND;
  if (rounded < HOUR) {
    const minutes = Math.floor(rounded / MINUTE);
    const rest = seconds - minutes * 60;
    if (minutes >= 10 || rest === 0) return t("time.minutes", { count: Math.round(rounded / MINUTE) });
    return t("time.minutesSeconds", { minutes, seconds: rest });
  }
  if (rounded < 2 * DAY) {
    const hours = Math.floor(rounded / HOUR);
    const minutes = Math.round((rounded - hours * HOUR) / MINUTE);
    if (minutes === 0 || minutes === 60) return t("time.hours", { count: hours + (minutes === 60 ? 1 : 0) });
    return t("time.hoursMinutes", { hours, minutes });
  }
  return t("time.days", { count: Math.round(rounded / DAY) });
}

export function clock(moment: Date | string | number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit" }).format(
    new Date(moment),
  );
}

/** The beginning of a bucket in the hospital's time zone: an hour of a day, or a day. */
export function bucket(start: string, granularity: "hour" | "day", oneDay: boolean, locale: string, timeZone: string): string {
  const moment = new Date(start);
  const time = { hour: "2-digit", minute: "2-digit", timeZone } as const;
  const day = { month: "short", day: "numeric", timeZone } as const;
  if (granularity === "day") return new Intl.DateTimeFormat(locale, day).format(moment);
  return new Intl.DateTimeFormat(locale, oneDay ? time : { ...day, ...time }).format(moment);
}

/** When a user was last seen: the time for today, else with the day. */
export function moment(at: string | null | undefined, locale: string, now = serviceClock.now()): string | null {
  if (!at) return null;
  const then = new Date(at);
  const today = new Date(now).toDateString() === then.toDateString();
  const time = { hour: "2-digit", minute: "2-digit" } as const;
  return new Intl.DateTimeFormat(locale, today ? time : { month: "short", day: "numeric", ...time }).format(then);
}
