// What this device prefers. Kept in the browser, the same for everybody who signs in here.
import { useSyncExternalStore } from "react";

const ENTER_SENDS = "wardline.enterSends";
const TOUCH = "(hover: none) and (pointer: coarse)";
const listeners = new Set<() => void>();

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // until the page closes it is as the device is
  }
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
};

/** Whether this device is used with fingers, on a keyboard that has no second key for a new line. */
export const isTouch = () => window.matchMedia(TOUCH).matches;

function enterSends(): boolean {
  const chosen = kept(ENTER_SENDS);
  return chosen === null ? !isTouch() : chosen === "yes";
}

/** Whether Enter sends; otherwise it makes a line. */
export function useEnterSends(): [boolean, (sends: boolean) => void] {
  const sends = useSyncExternalStore(subscribe, enterSends);
  return [sends, (next) => keep(ENTER_SENDS, next ? "yes" : "no")];
}
