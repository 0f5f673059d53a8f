// Tells how far this person has read: what was on the screen while they looked, without leaving anything out in between.
import { useEffect, useRef } from "react";
import { attention } from "../../app/attention";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { isUnread } from "../../core/unread";

/** What covers the messages goes without telling; so often it is looked again while something is unread. */
const LOOK_EVERY_MS = 1_000;

export function useReading(
  client: ChatClient,
  session: SessionStore,
  scroller: React.RefObject<HTMLElement | null>,
  /** Nothing up to here is unread, whatever the positions say. */
  base: number,
): void {
  const version = useChanges(session);
  const seen = useRef(new Set<number>());
  // The version stands for what the session holds
  useEffect(() => {
    const look = () => {
      const element = scroller.current;
      if (!element || !attention().here) return;
      const { timeline } = session;
      let upTo = Math.max(session.membership?.readSeq ?? 0, client.reading.upTo(session.id), timeline.hiddenSeq, base);
      if (upTo >= session.head) return;
      for (const row of element.querySelectorAll<HTMLElement>("[data-row]")) {
        const seq = Number(row.dataset.row);
        if (seq > upTo && !seen.current.has(seq) && timeline.get(seq) && onScreen(row, element)) seen.current.add(seq);
      }
      const before = upTo;
      for (let next = timeline.get(upTo + 1); next; next = timeline.get(upTo + 1)) {
        if (isUnread(next, client.me) && !seen.current.delete(next.seq)) break;
        upTo = next.seq;
      }
      if (upTo > before && session.unread > 0) client.reading.seen(session.id, upTo);
      else for (let seq = before + 1; seq <= upTo; seq++) seen.current.add(seq);
    };
    let frame = requestAnimationFrame(look);
    const soon = () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(look);
    };
    const element = scroller.current;
    element?.addEventListener("scroll", soon, { passive: true });
    const endAttention = attention().subscribe(soon);
    const timer = setInterval(look, LOOK_EVERY_MS);
    return () => {
      cancelAnimationFrame(frame);
      clearInterval(timer);
      endAttention();
      element?.removeEventListener("scroll", soon);
    };
  }, [client, session, scroller, version, base]);
}

/** Its end is in view, or it fills the view (a message longer than the screen); and nothing covers it. */
function onScreen(row: HTMLElement, scroller: HTMLElement): boolean {
  const box = scroller.getBoundingClientRect();
  const place = row.getBoundingClientRect();
  const ends = place.bottom > box.top && place.bottom <= box.bottom + 16;
  const fills = place.top <= box.top && place.bottom >= box.bottom;
  if (!ends && !fills) return false;
  const y = Math.min(Math.max((place.top + place.bottom) / 2, Math.max(box.top, 0) + 1), Math.min(box.bottom, window.innerHeight) - 1);
  return [0.5, 0.1, 0.9].some((part) => row.contains(document.elementFromPoint(place.left + place.width * part, y)));
}
