// Time and chance as arguments, so that tests own them.
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `then` after so many milliseconds; the answer calls it off. */
  after(milliseconds: number, then: () => void): () => void;
  /** From 0 up to, not including, 1. */
  random(): number;
}

/** The device's own, right or wrong. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};

/** Less than this is the way of an answer and the second that its date is rounded to. */
const TOLERATED_MS = 5_000;
let ahead = 0;

/** The service said what time it is. */
export function learnServiceTime(date: string | null): void {
  const told = Date.parse(date ?? "");
  if (!Number.isFinite(told)) return;
  const difference = told - Date.now();
  ahead = Math.abs(difference) < TOLERATED_MS ? 0 : difference;
}

/** The service's time, as far as its answers told: lifetimes, days and the order of what is written are by this one. */
export const serviceClock: Clock = { ...systemClock, now: () => Date.now() + ahead };
