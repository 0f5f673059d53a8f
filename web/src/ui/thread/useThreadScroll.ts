// Where the eye is in a conversation: opens on the first unread, follows new messages while at the end as long as nothing
// unread leaves the screen by that, fetches what comes into view, tells what was read, and jumps to any `seq`.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import { attention } from "../../app/attention";
import { useChanges } from "../../app/hooks";
import { jumps } from "../../app/jumps";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { firstUnseen } from "../../core/unread";
import { useReading } from "./useReading";

const NEAR_END_PX = 48;
const AHEAD = 25;
const FETCH_AFTER_MS = 60;
const MARK_MS = 2_200;
/** A scrolling within this time after a hand's doing is the hand's. */
const HAND_MS = 600;
const ABOVE_FIRST_PX = 48;
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

  // The line stays where it was while its messages become read, until more came while nobody looked.
  const [unreadFrom, setUnreadFrom] = useState(() => firstUnread(session));
  const [base] = useState(() => (unreadFrom === null ? session.head : 0));
  const [wanted] = useState(() => jumps.take(session.id));
  const [away, setAway] = useState(false);
  const [marked, setMarked] = useState<number | null>(wanted);
  const follow = useRef(unreadFrom === null && wanted === null);
  /** The person went past everything up to here. */
  const passed = useRef(base);
  const missed = useRef(false);
  const unseen = useCallback(
    () => firstUnseen(session, Math.max(client.reading.upTo(session.id), passed.current), client.me),
    [client, session],
  );

  const rows = useVirtualizer({
    count: room,
    getScrollElement: () => scroller.current,
    estimateSize: estimate,
    getItemKey: useCallback((index: number) => first + index, [first]),
    overscan: 8,
    paddingStart: 12,
    paddingEnd: 12,
    scrollPaddingStart: ABOVE_FIRST_PX,
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
    if (!follow.current || !element) return;
    const end = element.scrollHeight - element.clientHeight;
    const unread = unseen();
    const start = unread === null ? undefined : rows.measurementsCache[unread - first]?.start;
    if (start === undefined || start - ABOVE_FIRST_PX >= end) {
      element.scrollTop = end;
      return;
    }
    // Scrolling to the end would hide the first unread message: it stays, with its line, until the user reads on.
    follow.current = false;
    setUnreadFrom(unread);
    element.scrollTop = Math.max(0, start - ABOVE_FIRST_PX);
  }, [rows, unseen, first]);
  const lastTop = useRef(0);
  const handAt = useRef(Number.NEGATIVE_INFINITY);
  const scrolled = useCallback(() => {
    const top = scroller.current?.scrollTop ?? 0;
    const byHand = performance.now() - handAt.current < HAND_MS;
    const upwards = byHand && top < lastTop.current - 1;
    lastTop.current = top;
    if (look() < NEAR_END_PX) {
      follow.current = true;
      if (byHand) passed.current = session.head;
    }
    // Only a person goes up. A picture that grows, or a row that is measured, moves the end away from under us.
    else if (upwards) follow.current = false;
    else stick();
  }, [look, stick, session]);
  useEffect(() => {
    const element = scroller.current;
    const hand = (event: Event) => {
      // A scrollbar that is dragged tells nothing more until it is let go.
      handAt.current = performance.now() + (event.type === "pointerdown" ? 10 * HAND_MS : 0);
    };
    const ways = ["wheel", "touchmove", "pointerdown"] as const;
    for (const way of ways) element?.addEventListener(way, hand, { passive: true });
    window.addEventListener("keydown", hand);
    return () => {
      for (const way of ways) element?.removeEventListener(way, hand);
      window.removeEventListener("keydown", hand);
    };
  }, []);

  // A composer that grows takes its room from us.
  useEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const watch = new ResizeObserver(() => {
      stick();
      look();
    });
    watch.observe(element);
    // Rows that come or are measured move the end, whenever they are drawn.
    if (element.firstElementChild) watch.observe(element.firstElementChild);
    return () => watch.disconnect();
  }, [stick, look]);

  useEffect(
    () =>
      client.hearMissed((where) => {
        if (where === session) missed.current = true;
      }),
    [client, session],
  );
  // What comes while nobody looks, or came while there was no connection, stands below the line.
  useLayoutEffect(() => {
    if (attention().here && !missed.current && follow.current && !covered(scroller.current)) return;
    missed.current = false;
    const unread = unseen();
    if (unread !== null) setUnreadFrom(unread);
  }, [head, unseen]);

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
      passed.current = session.head;
      follow.current = true;
      stick();
    }
    lastSeen.current = last;
  }, [last, stick, session]);

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

  useReading(client, session, scroller, base);

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
    passed.current = session.head;
    follow.current = true;
    stick();
    look();
  }, [stick, look, session]);

  // Unread messages that were left out, above what is on the screen.
  const above = firstUnseen(session, Math.max(client.reading.upTo(session.id), base), client.me);
  const leftOut = session.unread > 0 && above !== null && items.length > 0 && above < visibleFrom(items, scroller.current, first) ? above : null;

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

  return { scroller, rows, items, total, first, pending, unreadFrom, leftOut, marked, away, scrolled, jump, toLatest, step, reload };
}

/** Something lies over the messages: a dialog, a picture. */
function covered(scroller: HTMLElement | null): boolean {
  const box = scroller?.getBoundingClientRect();
  if (!scroller || !box || box.width === 0) return true;
  const top = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
  return top !== null && !scroller.contains(top) && !scroller.parentElement?.contains(top);
}

function visibleFrom(items: readonly { index: number; end: number }[], scroller: HTMLElement | null, first: number): number {
  const top = scroller?.scrollTop ?? 0;
  const shown = items.find((item) => item.end > top + 4);
  return first + (shown?.index ?? 0);
}

function firstUnread(session: SessionStore): number | null {
  const read = session.membership?.readSeq ?? 0;
  if (session.unread === 0 || read >= session.head) return null;
  return Math.max(read, session.timeline.hiddenSeq) + 1;
}

function visible(row: HTMLElement, scroller: HTMLElement | null): boolean {
  if (!scroller) return false;
  const box = scroller.getBoundingClientRect();
  const place = row.getBoundingClientRect();
  return place.bottom > box.top && place.bottom <= box.bottom + 4;
}
