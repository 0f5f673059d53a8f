// The data that a page shows: loaded, then reloaded at an interval while the page is in use. A failed request leaves
// the earlier data on the screen, marked as old.
import { useCallback, useEffect, useRef, useState } from "react";

export interface Loaded<T> {
  data: T | null;
  /** Why the last try failed (see `reasonOf`); null when it went well. */
  problem: unknown;
  busy: boolean;
  /** When `data` came; 0 before. */
  at: number;
  refresh: () => void;
}

/**
 * Loads anew every `everyMs` while the page is seen (0: never), and whenever `look` changes. `load` must be stable (useCallback): when it changes, what it loaded before is shown until the new answer is there.
 */
export function useLoaded<T>(load: (signal: AbortSignal) => Promise<T>, everyMs = 0, look = 0): Loaded<T> {
  const [state, setState] = useState<Omit<Loaded<T>, "refresh">>({ data: null, problem: null, busy: true, at: 0 });
  const running = useRef<AbortController | null>(null);

  const refresh = useCallback(() => {
    running.current?.abort();
    const run = new AbortController();
    running.current = run;
    setState((before) => ({ ...before, busy: true }));
    load(run.signal).then(
      (data) => {
        if (!run.signal.aborted) setState({ data, problem: null, busy: false, at: Date.now() });
      },
      (thrown: unknown) => {
        if (run.signal.aborted) return;
        setState((before) => ({ ...before, problem: thrown ?? true, busy: false }));
      },
    );
  }, [load]);

  useEffect(() => {
    refresh();
    return () => running.current?.abort();
    // `look` is no part of the question, only a reason to ask it again.
  }, [refresh, look]);

  useEffect(() => {
    if (!everyMs) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") refresh();
    }, everyMs);
    const seen = () => document.visibilityState === "visible" && refresh();
    document.addEventListener("visibilitychange", seen);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", seen);
    };
  }, [refresh, everyMs]);

  return { ...state, refresh };
}
