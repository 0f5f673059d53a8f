// A shared station: the sign-in ends when it was not used for as long as the organisation's settings allow.
import { attention } from "./attention";
import { organisationOf } from "./organisation";
import { type Kept, markUsed, unusedFor } from "./kept-account";

const LOOK_EVERY_MS = 10_000;
const MARK_EVERY_MS = 5_000;

/** Whether a station stood unused for too long, as it is found when a page begins. */
export function stoodUnused(kept: Kept): boolean {
  const limit = limitOf(kept);
  return limit !== null && (unusedFor() ?? 0) >= limit;
}

function limitOf(kept: Kept): number | null {
  const { autoLogoff } = organisationOf(kept);
  return kept.own || autoLogoff === null ? null : autoLogoff * 1_000;
}

/** Calls back once when nobody used any tab of this browser for too long. */
export function watchStation(kept: Kept, over: () => void): () => void {
  const limit = limitOf(kept);
  if (limit === null) return () => {};
  const here = attention();
  let markedAt = performance.now();
  let done = false;
  markUsed();
  // Each tab knows its own touches, and by the mark those of the others.
  const look = () => {
    if (done || Math.min(here.untouched, unusedFor() ?? here.untouched) < limit) return;
    done = true;
    over();
  };
  const touched = () => {
    // A user who returns too late does not take over the session of another one.
    look();
    if (done || performance.now() - markedAt < Math.min(MARK_EVERY_MS, limit / 4)) return;
    markedAt = performance.now();
    markUsed();
  };
  const timer = setInterval(look, Math.min(LOOK_EVERY_MS, limit / 4));
  const ends = [here.onTouch(touched), here.subscribe(look)];
  for (const name of ["focus", "pageshow"]) window.addEventListener(name, look);
  document.addEventListener("visibilitychange", look);
  return () => {
    clearInterval(timer);
    for (const end of ends) end();
    for (const name of ["focus", "pageshow"]) window.removeEventListener(name, look);
    document.removeEventListener("visibilitychange", look);
  };
}
