// Away by itself: nobody touched anything for five minutes. Back with the first touch.
import { useEffect } from "react";
import type { ChatClient } from "../core/client";

export const IDLE_AFTER_MS = 5 * 60_000;

const TOUCHES = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"] as const;

export function useIdle(client: ChatClient): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let last = 0;
    const away = () => client.setPresence("away");
    const touched = () => {
      const now = Date.now();
      client.setPresence("online");
      // The mouse moves a hundred times a second.
      if (now - last < 1_000 && timer !== undefined) return;
      last = now;
      clearTimeout(timer);
      timer = setTimeout(away, IDLE_AFTER_MS);
    };
    const shown = () => {
      if (document.visibilityState === "visible") touched();
    };
    touched();
    for (const name of TOUCHES) window.addEventListener(name, touched, { passive: true });
    document.addEventListener("visibilitychange", shown);
    return () => {
      clearTimeout(timer);
      for (const name of TOUCHES) window.removeEventListener(name, touched);
      document.removeEventListener("visibilitychange", shown);
    };
  }, [client]);
}
