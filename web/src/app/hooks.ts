// The view's way to the core: each hook draws anew when what it names has changed, once for each frame.
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { ChatClient } from "../core/client";
import { serviceClock } from "../core/clock";
import type { Observable } from "../core/observable";
import type { SessionStore } from "../core/session-store";
import type { Person, Presence } from "../core/wire";
import { useAccount } from "./account";

/** Draws anew with every change of `watched`. */
export function useChanges(watched: Observable): number {
  return useSyncExternalStore(watched.subscribe, watched.getVersion);
}

/** A value out of something that changes; drawn anew only when the value is another one. */
export function useValue<T>(watched: Observable, value: () => T): T {
  return useSyncExternalStore(watched.subscribe, value);
}

/** The chat's core. Only below a page that is shown when there is one. */
export function useClient(): ChatClient {
  const { client } = useAccount();
  if (!client) throw new Error("useClient before anybody has signed in");
  return client;
}

export function usePerson(userId: string): Person | undefined {
  const { people } = useClient();
  return useValue(people, () => people.get(userId));
}

/** The presence of a user; unknown without a connection. */
export function usePresence(userId: string | undefined): Presence | "unknown" {
  const { people, connection } = useClient();
  const live = useValue(connection, () => connection.live);
  const status = useValue(people, () => (userId ? people.get(userId)?.status : undefined));
  return live ? (status ?? "offline") : "unknown";
}

export function useSession(sessionId: string | undefined): SessionStore | undefined {
  const { sessions } = useClient();
  return useValue(sessions, () => (sessionId ? sessions.get(sessionId) : undefined));
}

/** Whether the window matches a media query. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (changed: () => void) => {
      const list = window.matchMedia(query);
      list.addEventListener("change", changed);
      return () => list.removeEventListener("change", changed);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => window.matchMedia(query).matches);
}

/** How many pixels a rem has just now: heights that are computed follow the size of the text. */
export function useRem(): number {
  return useSyncExternalStore(watchRem, remOf);
}

const remOf = () => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;

function watchRem(changed: () => void): () => void {
  const probe = document.createElement("div");
  probe.className = "rem-probe";
  probe.setAttribute("aria-hidden", "true");
  document.body.append(probe);
  const watch = new ResizeObserver(changed);
  watch.observe(probe);
  return () => {
    watch.disconnect();
    probe.remove();
  };
}

/** One pane at a time below this width. */
export const useNarrow = () => useMedia("(max-width: 47.99em)");

/** A time that moves on by itself, for what counts down. */
export function useNow(every: number, active = true): number {
  const [now, setNow] = useState(serviceClock.now);
  useEffect(() => {
    if (!active) return;
    setNow(serviceClock.now());
    const timer = setInterval(() => setNow(serviceClock.now()), every);
    return () => clearInterval(timer);
  }, [every, active]);
  return now;
}

/** A value that follows after some quiet, for searches while typing. */
export function useLater<T>(value: T, delay: number): T {
  const [later, setLater] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLater(value), delay);
    return () => clearTimeout(timer);
  }, [value, delay]);
  return later;
}
