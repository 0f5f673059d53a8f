// A message as it will be when the changes that wait are made.
import type { OutboxEntry } from "./outbox-entry";
import type { Message } from "./wire";

/** Changes of a message that are on their way. The same array as long as there are none. */
export function changesTo(messageId: string, changes: readonly OutboxEntry[]): readonly OutboxEntry[] {
  if (changes.length === 0) return NONE;
  const own = changes.filter((one) => one.state !== "failed" && one.change?.messageId === messageId);
  return own.length ? own : NONE;
}

export function withChanges(message: Message, changes: readonly OutboxEntry[], me: string): Message {
  let changed = message;
  for (const { change } of changes) {
    if (change?.what === "edit") {
      const { mentions } = change.body as Pick<Message, "mentions">;
      changed = { ...changed, content: change.text ?? "", mentions };
    } else if (change?.what === "react") changed = { ...changed, reactions: reacted(changed, change.text ?? "", change.method === "POST", me) };
  }
  return changed;
}

function reacted({ reactions = [] }: Message, emoji: string, on: boolean, me: string): Message["reactions"] {
  const known = reactions.find((one) => one.emoji === emoji);
  if (on) {
    if (!known) return [...reactions, { emoji, users: [me] }];
    return reactions.map((one) => (one === known && !one.users.includes(me) ? { ...one, users: [...one.users, me] } : one));
  }
  const left = reactions.map((one) => (one === known ? { ...one, users: one.users.filter((id) => id !== me) } : one));
  const kept = left.filter((one) => one.users.length > 0);
  return kept.length ? kept : undefined;
}

const NONE: readonly OutboxEntry[] = [];
