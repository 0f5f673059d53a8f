// Which messages wait to be read.
import type { SessionStore } from "./session-store";
import type { Message } from "./wire";

/** Whether another user sent the message, and it is not deleted. */
export function isUnread(message: Message, me: string): boolean {
  return message.sender !== me && !message.system && !message.isDeleted;
}

/** The first message after `upTo` that is to be read, or of which nothing is known yet; null when there is none. */
export function firstUnseen(session: SessionStore, upTo: number, me: string): number | null {
  const { timeline } = session;
  const from = Math.max(session.membership?.readSeq ?? 0, timeline.hiddenSeq, upTo) + 1;
  for (let seq = from; seq <= session.head; seq++) {
    const message = timeline.get(seq);
    if (!message || isUnread(message, me)) return seq;
  }
  return null;
}
