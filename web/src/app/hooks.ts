// The view's way to the core: each hook draws anew when what it names has changed, once for each frame.
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";
import type { ChatClient } from "../core/client";
import type { Observable } from "../core/observable";
import type { SessionStore } from "../core/session-store";
import type { Person } from "../core/wire";
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

/** One pane at a time below this width. */
export const useNarrow = () => useMedia("(max-width: 47.99em)");

/** A time that moves on by itself, for what counts down. */
export function useNow(every: number, active = true): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!active) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), every);
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
