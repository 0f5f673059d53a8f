// Everything that a composer holds for a conversation, beside its files: what is written, who is meant in it, what it answers,
// and what is being edited. One document, so that nothing of it can be lost apart from the rest.
import { newId } from "./ids";
import type { MentionRange } from "./mentions";

/** A message, by its id and its place. */
export interface Pointed {
  id: string;
  seq: number;
}

/** What is answered, with what it said when the answer was begun, and since when it did. */
export interface Answered extends Pointed {
  base?: string;
  asOf?: string;
}

export interface EditDraft extends Pointed {
  /** What it said when the editing began. */
  base: string;
  text: string;
  mentions: MentionRange[];
}

export interface Draft {
  sessionId: string;
  /** Becomes the `clientMsgId` of the message: however many tabs send it, it is one message. */
  id: string;
  text: string;
  mentions: MentionRange[];
  replyTo?: Answered;
  edit?: EditDraft;
  /** Grows with every change, in whichever tab. */
  version: number;
  /** The version it was made from that every tab was told. */
  base: number;
  /** The tab that made it. */
  by: string;
  /** The draft before this one, which was sent. */
  sent?: { id: string; text: string };
}

export function blankDraft(sessionId: string): Draft {
  return { sessionId, id: newId(), text: "", mentions: [], version: 0, base: 0, by: "" };
}

/** What an earlier version of this page kept: the text alone. */
export function textDraft(sessionId: string, text: string): Draft {
  return { ...blankDraft(sessionId), text, version: 1, base: 1 };
}

export function isBlank(draft: Draft): boolean {
  return !draft.text && !draft.replyTo && !draft.edit;
}

const content = ({ id, text, mentions, replyTo, edit }: Draft) => JSON.stringify([id, text, mentions, replyTo, edit]);

/** Whether two say the same. */
export function alike(one: Draft, other: Draft): boolean {
  return content(one) === content(other);
}

/**
 * One draft out of two that were made without knowing of each other. Every tab comes to the same result; nothing that was
 * typed is lost, and what was sent does not come back.
 */
export function merged(one: Draft, other: Draft): Draft {
  const [first, second] = one.version < other.version || (one.version === other.version && one.by < other.by) ? [one, other] : [other, one];
  const version = second.version + 1;
  const past = { version, base: version, by: `${first.by}+${second.by}` };
  // One of them is what is left after the other one's draft was sent.
  for (const [rest, old] of [
    [first, second],
    [second, first],
  ] as const) {
    if (rest.sent?.id === old.id && rest.id !== old.id) {
      const left = unsent(old.text, rest.sent.text);
      const text = joined(rest.text, left);
      return { ...rest, ...past, text, mentions: rest.mentions, edit: rest.edit ?? old.edit };
    }
  }
  const text = joined(first.text, second.text);
  const longer = text === first.text ? first : second;
  const mentions = text === longer.text ? longer.mentions : first.mentions;
  const sent = second.sent ?? first.sent;
  return { ...longer, ...past, id: second.id, sent, text, mentions, replyTo: second.replyTo ?? first.replyTo, edit: joinedEdit(first.edit, second.edit) };
}

/** What was typed beyond what was sent; nothing when it is an earlier state of it. */
function unsent(text: string, sent: string): string {
  if (sent.trim().startsWith(text.trim())) return "";
  return text.startsWith(sent.trimEnd()) ? text.slice(sent.trimEnd().length).trimStart() : text;
}

function joined(one: string, other: string): string {
  if (one.includes(other)) return one;
  return other.includes(one) ? other : `${one}\n${other}`;
}

function joinedEdit(one: EditDraft | undefined, other: EditDraft | undefined): EditDraft | undefined {
  if (!one || !other || one.id !== other.id) return other ?? one;
  if (other.text === other.base) return one;
  if (one.text === one.base) return other;
  return { ...other, text: joined(one.text, other.text) };
}
