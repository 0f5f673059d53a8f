// Time and chance as arguments, so that tests own them.
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Runs `then` after so many milliseconds; the answer calls it off. */
  after(milliseconds: number, then: () => void): () => void;
  /** From 0 up to, not including, 1. */
  random(): number;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, then) {
    const timer = setTimeout(then, milliseconds);
    return () => clearTimeout(timer);
  },
  random: () => Math.random(),
};
