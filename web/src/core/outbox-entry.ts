// What waits to be sent, in a form that can be stored.
import type { Draft } from "./wire";

/** What a person wrote; who they are and the idempotency key are added by the outbox. */
export type Outgoing = Pick<
  Draft,
  "content" | "messageType" | "fileUrl" | "fileName" | "fileSize" | "replyTo" | "mentions"
>;

export interface OutboxEntry {
  clientMsgId: string;
  sessionId: string;
  body: Outgoing;
  /** Grows from one entry to the next; entries of a session are sent in this order. */
  order: number;
  /** When it was written, in ms since the epoch. */
  createdAt: number;
  /** `unsent` waits for a connection, `failed` for a person. */
  state: "sending" | "unsent" | "failed";
  /** Why it failed: the code and the service's sentence. */
  problem?: { code: string; message: string };
}
