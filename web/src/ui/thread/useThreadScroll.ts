// Where the eye is in a conversation: opens on the first unread, follows new messages while at the end, fetches what comes
// into view, tells what was read, and jumps to any `seq`.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useChanges } from "../../app/hooks";
import { jumps } from "../../app/jumps";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";

const NEAR_END_PX = 48;
const AHEAD = 25;
const FETCH_AFTER_MS = 60;
const MARK_MS = 2_200;
/** Rows by which the list grows at once: each growth makes the places of all rows anew, whatever their number. */
const ROOM = 500;

function estimate(): number {
  return 58;
}

export function useThreadScroll(client: ChatClient, session: SessionStore) {
  useChanges(session);
  useChanges(client.outbox);
  const scroller = useRef<HTMLElement>(null);
  const { timeline, head } = session;
  const first = timeline.hiddenSeq + 1;
  // A message that is here already is not shown a second time while its acknowledgement is on the way.
  const pending = client.outbox.of(session.id).filter((entry) => !timeline.holds(entry.clientMsgId));
  const count = head - first + 1 + pending.length;
  // There is always at least one row of room behind the last: its start is where the rows end.
  const room = Math.ceil((count + 1) / ROOM) * ROOM;

  // Both are of the moment of opening: the line stays where it was while its messages become read.
  const [unreadFrom] = useState(() => firstUnread(session));
  const [wanted] = useState(() => jumps.take(session.id));
  const [away, setAway] = useState(false);
  const [marked, setMarked] = useState<number | null>(wanted);
  const follow = useRef(unreadFrom === null && wanted === null);

  const rows = useVirtualizer({
    count: room,
    getScrollElement: () => scroller.current,
    estimateSize: estimate,
    getItemKey: useCallback((index: number) => first + index, [first]),
    overscan: 8,
    paddingStart: 12,
    paddingEnd: 12,
    scrollPaddingStart: 48,
    useAnimationFrameWithResizeObserver: false,
  });
  const items = rows.getVirtualItems().filter((item) => item.index < count);
  const from = first + (items[0]?.index ?? 0);
  const to = first + (items.at(-1)?.index ?? 0);
  const total = rows.getTotalSize() - ((rows.measurementsCache[room - 1]?.end ?? 0) - (rows.measurementsCache[count]?.start ?? 0));

  // The first place: a hit, the first unread, or the end.
  useLayoutEffect(() => {
    if (wanted !== null) rows.scrollToIndex(wanted - first, { align: "center" });
    else if (unreadFrom !== null) rows.scrollToIndex(unreadFrom - first, { align: "start" });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once
  }, []);

  const look = useCallback(() => {
    const element = scroller.current;
    if (!element) return Number.POSITIVE_INFINITY;
    const distance = element.scrollHeight - element.scrollTop - element.clientHeight;
    setAway(distance > element.clientHeight * 0.5);
    return distance;
  }, []);
  const stick = useCallback(() => {
    const element = scroller.current;
    if (follow.current && element) element.scrollTop = element.scrollHeight;
  }, []);
  const lastTop = useRef(0);
  const scrolled = useCallback(() => {
    const top = scroller.current?.scrollTop ?? 0;
    const upwards = top < lastTop.current - 1;
    lastTop.current = top;
    if (look() < NEAR_END_PX) follow.current = true;
    // Only a person goes up. A picture that grows, or a row that is measured, moves the end away from under us.
    else if (upwards) follow.current = false;
    else stick();
  }, [look, stick]);

  // A composer that grows takes its room from us.
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const watch = new ResizeObserver(() => {
      stick();
      look();
    });
    watch.observe(element);
    return () => watch.disconnect();
  }, [stick, look]);

  // Whatever changes the height, the end stays in sight
  useLayoutEffect(() => {
    stick();
    look();
  }, [total, count, look, stick]);

  // What one has just written oneself is to be seen.
  const last = pending.at(-1)?.clientMsgId;
  const lastSeen = useRef(last);
  useLayoutEffect(() => {
    if (last && last !== lastSeen.current) {
      follow.current = true;
      stick();
    }
    lastSeen.current = last;
  }, [last, stick]);

  const opened = useRef(false);
  useEffect(() => {
    const fetch = () => void client.history.ensure(session, from - AHEAD, Math.max(to, from) + AHEAD);
    if (!opened.current) {
      opened.current = true;
      fetch();
      return;
    }
    // Not for every stretch that flies by.
    const timer = setTimeout(fetch, FETCH_AFTER_MS);
    return () => clearTimeout(timer);
  }, [client, session, from, to]);

  useReading(client, session, scroller);

  const unmark = useRef<ReturnType<typeof setTimeout>>(undefined);
  const mark = useCallback((seq: number) => {
    setMarked(seq);
    clearTimeout(unmark.current);
    unmark.current = setTimeout(() => setMarked(null), MARK_MS);
  }, []);
  useEffect(() => {
    if (wanted !== null) mark(wanted);
    return () => clearTimeout(unmark.current);
  }, [wanted, mark]);

  const jump = useCallback(
    (seq: number, show = true) => {
      if (seq < session.timeline.hiddenSeq + 1 || seq > session.head) return;
      follow.current = false;
      const go = () => rows.scrollToIndex(seq - session.timeline.hiddenSeq - 1, { align: show ? "center" : "start" });
      go();
      void client.history.ensure(session, seq - AHEAD, seq + AHEAD).then(() => requestAnimationFrame(go));
      if (show) mark(seq);
    },
    [client, session, rows, mark],
  );

  // A search's hit in the conversation that is open already.
  useEffect(
    () =>
      jumps.subscribe(() => {
        const seq = jumps.take(session.id);
        if (seq !== null) jump(seq);
      }),
    [session, jump],
  );

  const toLatest = useCallback(() => {
    follow.current = true;
    rows.scrollToIndex(count - 1, { align: "end" });
  }, [rows, count]);

  const step = useCallback((by: number) => {
    const element = scroller.current;
    const focused = (document.activeElement as HTMLElement | null)?.closest<HTMLElement>("[data-row]");
    const all = [...(element?.querySelectorAll<HTMLElement>("[data-row]") ?? [])];
    all.sort((a, b) => Number(a.dataset.row) - Number(b.dataset.row));
    const next = focused ? all[all.indexOf(focused) + by] : all.findLast((row) => visible(row, element));
    next?.focus({ preventScroll: true });
    next?.scrollIntoView({ block: "nearest" });
  }, []);

  const reload = useCallback(() => {
    client.history.forgive(session);
    void client.history.ensure(session, from - AHEAD, to + AHEAD);
  }, [client, session, from, to]);

  return { scroller, rows, items, total, first, pending, unreadFrom, marked, away, scrolled, jump, toLatest, step, reload };
}

function firstUnread(session: SessionStore): number | null {
  const read = session.seat?.readSeq ?? 0;
  if (session.unread === 0 || read >= session.head) return null;
  return Math.max(read, session.timeline.hiddenSeq) + 1;
}

function visible(row: HTMLElement, scroller: HTMLElement | null): boolean {
  if (!scroller) return false;
  const box = scroller.getBoundingClientRect();
  const place = row.getBoundingClientRect();
  return place.bottom > box.top && place.bottom <= box.bottom + 4;
}

/** Tells how far this person has read: what was on the screen of a visible window. */
function useReading(client: ChatClient, session: SessionStore, scroller: React.RefObject<HTMLElement | null>): void {
  const version = useChanges(session);
  // The version stands for what the session holds
  useEffect(() => {
    const look = () => {
      const element = scroller.current;
      if (!element || document.visibilityState !== "visible") return;
      const read = session.seat?.readSeq ?? 0;
      let seen = 0;
      for (const row of element.querySelectorAll<HTMLElement>("[data-row]")) {
        const seq = Number(row.dataset.row);
        if (seq > read && seq > seen && session.timeline.get(seq) && onScreen(row, element)) seen = seq;
      }
      if (seen > read && session.unread > 0) client.reading.seen(session.id, seen);
    };
    const frame = requestAnimationFrame(look);
    const element = scroller.current;
    let planned = false;
    const later = () => {
      if (planned) return;
      planned = true;
      setTimeout(() => {
        planned = false;
        look();
      }, 150);
    };
    element?.addEventListener("scroll", later, { passive: true });
    document.addEventListener("visibilitychange", later);
    return () => {
      cancelAnimationFrame(frame);
      element?.removeEventListener("scroll", later);
      document.removeEventListener("visibilitychange", later);
    };
  }, [client, session, scroller, version]);
}

/** Its end is in view, or it fills the view (a message longer than the screen). */
function onScreen(row: HTMLElement, scroller: HTMLElement): boolean {
  const box = scroller.getBoundingClientRect();
  const place = row.getBoundingClientRect();
  if (place.bottom > box.top && place.bottom <= box.bottom + 16) return true;
  return place.top <= box.top && place.bottom >= box.bottom;
}
