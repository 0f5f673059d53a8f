// A file that is attached and not sent, in a form that can be stored.
import type { UploadedFile } from "./uploader";

export type FileKind = "image" | "file" | "voice";

export interface StoredFile {
  /** Becomes the `clientMsgId` of the message that carries it. */
  id: string;
  sessionId: string;
  name: string;
  type: string;
  kind: FileKind;
  bytes: ArrayBuffer;
  /** Grows from one to the next. */
  order: number;
  /** It left the tray: a message in the outbox carries it. */
  sending?: boolean;
  /** It is a recording that goes on: when this was written, in ms since the epoch. */
  recording?: number;
  /** The service has it. */
  uploaded?: UploadedFile;
}
