// What waits to be sent, in a form that can be stored: messages, and changes to what is there already.
import type { MentionRange } from "./mentions";
import type { FileKind } from "./stored-file";
import type { Draft } from "./wire";

/** What a person wrote; who they are and the idempotency key are added by the outbox. */
export type Outgoing = Pick<
  Draft,
  "content" | "messageType" | "fileUrl" | "fileName" | "fileSize" | "replyTo" | "replyToAsOf" | "mentions"
>;

/** A file that goes with a message; the attachments have its bytes. */
export interface OutgoingFile {
  id: string;
  name: string;
  size: number;
  kind: FileKind;
}

export type ChangeKind = "edit" | "react" | "recall" | "delete" | "forward" | "group";

/** A change to what is there already. Doing it twice is as doing it once. */
export interface Change {
  what: ChangeKind;
  method: string;
  path: string;
  body?: unknown;
  messageId?: string;
  /** The new text of an edit, or the emoji: what two changes of one message are told apart by. */
  text?: string;
  mentions?: MentionRange[];
}

export interface OutboxEntry {
  clientMsgId: string;
  sessionId: string;
  body: Outgoing;
  /** Is to be uploaded first, unless `body` has its address. */
  file?: OutgoingFile;
  /** Not sent before these are; words do not go without their files. */
  after?: readonly string[];
  /** The key is a draft's: another tab may have sent other words under it. */
  shared?: boolean;
  /** Set when it is no message. */
  change?: Change;
  /** Where people were chosen in the text, for when it goes back to the composer. */
  ranges?: MentionRange[];
  /** Grows from one entry to the next; entries of a session are sent in this order. */
  order: number;
  /** When it was written, in ms since the epoch. */
  createdAt: number;
  /** `unsent` waits for a connection, `failed` for a person. */
  state: "sending" | "unsent" | "failed";
  /** An answer did not come at least once: it may have been done. */
  unsure?: boolean;
  /** Why it failed: the code, the service's sentence, and its details. */
  problem?: { code: string; message: string; details?: Record<string, unknown> };
  /** The service asked to wait until then, in ms since the epoch. */
  busyUntil?: number;
}
