// From a draft to the outbox: which messages it becomes, in which order, and what waits for what.
import type { ChatClient } from "./client";
import type { Message } from "./wire";

/** Since when a message says what it says. */
export const versionOf = (message: Message): string => message.editedAt ?? message.createdAt;

interface Sent {
  content: string;
  mentions: Message["mentions"] | undefined;
  withoutReply?: boolean;
}

/**
 * Everything of a draft goes into the outbox at once: its files in their order, the words as the caption of the last picture,
 * or, where there is none, after the files and never without them. What is answered, the first one answers.
 */
export function sendDraft(client: ChatClient, sessionId: string, { content, mentions, withoutReply }: Sent): void {
  const draft = client.drafts.take(sessionId);
  const files = client.attachments.takeAll(sessionId);
  const written = content.trim() !== "";
  let open = withoutReply ? undefined : draft.replyTo;
  const first = () => {
    if (!open) return {};
    // Readers are told when it was edited after this, even if that is before these words arrive.
    const seen = client.sessions.get(sessionId)?.timeline.find(open.id);
    const answered = { replyTo: open.id, replyToAsOf: seen ? versionOf(seen) : open.asOf };
    open = undefined;
    return answered;
  };
  const words = { content, mentions };
  const captioned = written ? files.findLast((file) => file.kind === "image") : undefined;
  const keys = new Map(files.map((file) => [file.id, file === captioned ? draft.id : file.id]));
  for (const file of files) {
    const caption = file === captioned;
    const others = [...keys.values()].filter((key) => key !== draft.id);
    client.outbox.add(
      sessionId,
      { messageType: file.kind, content: "", ...(caption ? words : {}), ...first() },
      {
        clientMsgId: keys.get(file.id),
        file,
        ...(caption ? { ranges: draft.mentions, after: others.length ? others : undefined } : {}),
      },
    );
  }
  if (!written || captioned) return;
  client.outbox.add(
    sessionId,
    { messageType: "text", ...words, ...first() },
    { clientMsgId: draft.id, ranges: draft.mentions, after: keys.size ? [...keys.values()] : undefined },
  );
}

/** The edit of a draft goes into the outbox; what was being written before is in the composer again. */
export function saveEdit(client: ChatClient, sessionId: string, content: string, mentions: Message["mentions"] | undefined): void {
  const { edit } = client.drafts.of(sessionId);
  if (!edit) return;
  client.drafts.change(sessionId, { edit: undefined });
  const before = client.sessions.get(sessionId)?.timeline.find(edit.id);
  const same = JSON.stringify(mentions ?? []) === JSON.stringify(before?.mentions ?? []);
  if (content === edit.base && same) return;
  client.change(sessionId, {
    what: "edit",
    method: "PUT",
    path: `/api/chat/messages/${edit.id}`,
    body: { content, mentions: mentions ?? [] },
    messageId: edit.id,
    text: content,
    mentions: edit.mentions,
  });
}

/** A message that failed goes back to where it was written, before whatever stands there now. */
export function takeBack(client: ChatClient, clientMsgId: string): void {
  const entry = client.outbox.find(clientMsgId);
  if (!entry || entry.state !== "failed") return;
  const { sessionId, body, file, change, ranges } = entry;
  const text = (change ? change.text : body.content) ?? "";
  const draft = client.drafts.of(sessionId);
  if (file) client.attachments.back(file.id);
  if (text) {
    const first = change?.mentions ?? ranges ?? [];
    const rest = draft.text ? `\n${draft.text}` : "";
    const by = text.length + 1;
    const moved = draft.mentions.map((range) => ({ ...range, from: range.from + by, to: range.to + by }));
    client.drafts.set(sessionId, text + rest, [...first, ...moved]);
  }
  client.outbox.discard(clientMsgId);
}
