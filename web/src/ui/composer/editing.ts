// Which messages one can write anew, and how that begins.
import type { ChatClient } from "../../core/client";
import { rangesIn } from "../../core/mentions";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { nameablesOf } from "./Mentions";

const LOOK_BACK = 200;

/** A text, or the caption of a picture or file. What was forwarded keeps saying what its author said. */
export function editable(message: Message): boolean {
  if (message.isDeleted || message.forwardedFrom || message.merged?.length || message.system) return false;
  return message.messageType === "text" || (message.messageType !== "voice" && message.content !== "");
}

/** One's last message that can be edited. */
export function lastEditable(session: SessionStore, me: string): Message | undefined {
  const { timeline } = session;
  for (let seq = session.head; seq > Math.max(timeline.hiddenSeq, session.head - LOOK_BACK); seq--) {
    const message = timeline.get(seq);
    if (message?.sender === me && editable(message)) return message;
  }
  return undefined;
}

/** The message's words go into the composer; what was being written stays below. */
export function beginEdit(client: ChatClient, session: SessionStore, message: Message): void {
  const { _id: id, seq, content: base } = message;
  const before = client.drafts.of(session.id).edit;
  if (before?.id === id) return;
  const mentions = rangesIn(base, message.mentions, nameablesOf(session, client));
  client.drafts.change(session.id, { edit: { id, seq, base, text: base, mentions } });
}
