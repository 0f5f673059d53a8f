// The signed-in person over a reload, in localStorage. Every tab sees it; a sign-out in one ends them all. What opens the
// storage of a person on a station that is not their own stays in the tab: it ends with it, whatever becomes of the machine.
import type { SignedIn } from "../core/api";
import { serviceClock } from "../core/clock";

const KEY = "wardline.account";
const OPENER = "wardline.opener";
const USED = "wardline.used";

export interface Kept extends Omit<SignedIn, "storageKey" | "settings"> {
  settings?: SignedIn["settings"];
  storageKey?: string;
  /** The person called this device their own at sign-in. */
  own?: boolean;
}

export function keptAccount(): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as Kept | null;
    if (!kept?.token || !kept.user?._id) return null;
    const storageKey = kept.storageKey ?? sessionStorage.getItem(OPENER) ?? undefined;
    return { ...kept, storageKey };
  } catch {
    return null;
  }
}

/** Whether a sign-in seems to be over, by the service's clock as far as it is known. Only the service knows for sure. */
export function seemsExpired(kept: Kept): boolean {
  const ends = Date.parse(kept.expiresAt);
  return Number.isFinite(ends) && ends <= serviceClock.now();
}

export function keepAccount(signed: Kept): void {
  try {
    const { storageKey, ...rest } = signed;
    localStorage.setItem(KEY, JSON.stringify(signed.own ? signed : rest));
    if (!signed.own && storageKey) sessionStorage.setItem(OPENER, storageKey);
  } catch {
    // A browser that keeps nothing: signed in until the page closes.
  }
}

export function forgetAccount(): void {
  try {
    localStorage.removeItem(KEY);
    localStorage.removeItem(USED);
    sessionStorage.removeItem(OPENER);
  } catch {
    // as above
  }
}

/** Calls back when another tab signed out or signed another user in, or the browser restores this page from its cache. */
export function watchAccount(changed: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === KEY || event.key === null) changed();
  };
  const shown = (event: PageTransitionEvent) => {
    if (event.persisted) changed();
  };
  window.addEventListener("storage", listen);
  window.addEventListener("pageshow", shown);
  return () => {
    window.removeEventListener("storage", listen);
    window.removeEventListener("pageshow", shown);
  };
}

/** Records that the client of this browser was used just now. */
export function markUsed(): void {
  try {
    localStorage.setItem(USED, String(Date.now()));
  } catch {
    // as above
  }
}

/** Milliseconds since the client was used in any tab; undefined when unknown, or when the clock was set back. */
export function unusedFor(): number | undefined {
  try {
    const since = Date.now() - Number(localStorage.getItem(USED) ?? Number.NaN);
    return since >= -60_000 ? since : undefined;
  } catch {
    return undefined;
  }
}
