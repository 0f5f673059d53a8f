// The signed-in person over a reload, in localStorage. Every tab sees it; a sign-out in one ends them all.
import type { SignedIn } from "../core/api";

const KEY = "wardline.account";

export function keptAccount(): SignedIn | null {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "null") as SignedIn | null;
    if (!kept?.token || !kept.user?._id || Date.parse(kept.expiresAt) <= Date.now()) return null;
    return kept;
  } catch {
    return null;
  }
}

export function keepAccount(signed: SignedIn): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(signed));
  } catch {
    // A browser that keeps nothing: signed in until the page closes.
  }
}

export function forgetAccount(): void {
  try {
    localStorage.removeItem(KEY);
  } catch {
    // as above
  }
}

/** Calls back when another tab signed out or signed somebody else in. */
export function watchAccount(changed: () => void): () => void {
  const listen = (event: StorageEvent) => {
    if (event.key === KEY || event.key === null) changed();
  };
  window.addEventListener("storage", listen);
  return () => window.removeEventListener("storage", listen);
}
