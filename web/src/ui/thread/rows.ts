// What a row has to know of its neighbours and of the readers.
import type { OutboxEntry } from "../../core/outbox-entry";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { dayOf } from "../common/times";

/** Messages of one person within this time stand together. */
const TOGETHER_MS = 5 * 60_000;

export interface RowContext {
  /** The first of its day: the time to show the day of. */
  day: string | number | null;
  /** The first of its sender's run: shows who it is. */
  lead: boolean;
}

interface Place {
  at: string | number;
  sender: string;
  system: boolean;
}

function placeOf(message: Message | undefined): Place | null {
  if (!message) return null;
  return { at: message.createdAt, sender: message.sender, system: Boolean(message.system) };
}

export function rowContext(
  session: SessionStore,
  seq: number,
  message: Message | undefined,
  waiting: OutboxEntry | undefined,
  me: string,
): RowContext {
  const here = waiting ? { at: waiting.createdAt, sender: me, system: false } : placeOf(message);
  if (!here) return { day: null, lead: true };
  const before = placeOf(session.timeline.get(Math.min(seq - 1, session.head)));
  const start = seq - 1 <= session.timeline.hiddenSeq;
  if (!before) return { day: start ? here.at : null, lead: true };
  const newDay = dayOf(before.at) !== dayOf(here.at);
  const apart = new Date(here.at).getTime() - new Date(before.at).getTime() > TOGETHER_MS;
  return { day: newDay ? here.at : null, lead: newDay || apart || before.sender !== here.sender || before.system };
}

/** How far one of our messages has come, as a primitive, so that rows are drawn anew only when it changes: `read:3`. */
export function statusOf(session: SessionStore, message: Message, me: string): string {
  if (message.sender !== me) return "";
  let read = 0;
  let delivered = 0;
  for (const [userId, membership] of session.memberships) {
    if (userId === me) continue;
    if (membership.readSeq >= message.seq) read += 1;
    if (membership.deliveredSeq >= message.seq) delivered += 1;
  }
  const readers = Math.max(read, message.readCount, message.status === "read" ? 1 : 0);
  if (readers > 0) return `read:${readers}`;
  return delivered > 0 || message.deliveredCount > 0 || message.status === "delivered" ? "delivered:0" : "sent:0";
}
