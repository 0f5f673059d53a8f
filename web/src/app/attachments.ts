// Files that are attached and not sent, for each session. They are uploaded at once, and go on when one looks at another
// conversation meanwhile.
import { type Api, ApiError } from "../core/api";
import { Observable } from "../core/observable";
import type { Outgoing } from "../core/outbox-entry";
import { type Upload, type UploadedFile, upload } from "./upload";

/** The service's default; it has the last word. */
export const SIZE_LIMIT = 25_000_000;
/** Files of one session at once. */
export const COUNT_LIMIT = 10;

export interface Attachment {
  id: number;
  file: File;
  kind: "image" | "file" | "voice";
  /** A picture of it on this device; an object address that is let go with it. */
  preview?: string;
  /** From 0 to 1. */
  progress: number;
  uploaded?: UploadedFile;
  problem?: ApiError;
}

export type Refusal = { why: "tooLarge"; name: string } | { why: "tooMany" };

const IMAGES = new Set(["image/png", "image/jpeg", "image/gif", "image/webp"]);
const NONE: readonly Attachment[] = [];

export class AttachmentStore extends Observable {
  private readonly bySession = new Map<string, readonly Attachment[]>();
  private readonly refusals = new Map<string, Refusal>();
  private readonly running = new Map<number, Upload>();
  private lastId = 0;

  constructor(private readonly api: Api) {
    super();
  }

  of(sessionId: string): readonly Attachment[] {
    return this.bySession.get(sessionId) ?? NONE;
  }

  /** Why something was not taken the last time. */
  refusal(sessionId: string): Refusal | undefined {
    return this.refusals.get(sessionId);
  }

  add(sessionId: string, files: readonly File[], kind?: Attachment["kind"]): void {
    this.refusals.delete(sessionId);
    const large = files.find((file) => file.size > SIZE_LIMIT);
    if (large) this.refusals.set(sessionId, { why: "tooLarge", name: large.name });
    const fitting = files.filter((file) => file.size <= SIZE_LIMIT && file.size > 0);
    const room = Math.max(0, COUNT_LIMIT - this.of(sessionId).length);
    if (fitting.length > room) this.refusals.set(sessionId, { why: "tooMany" });
    for (const file of fitting.slice(0, room)) {
      const image = IMAGES.has(file.type);
      this.lastId += 1;
      const preview = image ? URL.createObjectURL(file) : undefined;
      const made: Attachment = { id: this.lastId, file, kind: kind ?? (image ? "image" : "file"), preview, progress: 0 };
      this.set(sessionId, [...this.of(sessionId), made]);
      this.begin(sessionId, made);
    }
    this.changed();
  }

  remove(sessionId: string, id: number): void {
    this.running.get(id)?.cancel();
    this.letGo(this.of(sessionId).filter((one) => one.id === id));
    this.refusals.delete(sessionId);
    this.set(
      sessionId,
      this.of(sessionId).filter((one) => one.id !== id),
    );
  }

  retry(sessionId: string, id: number): void {
    const again = this.of(sessionId).find((one) => one.id === id);
    if (again?.problem) this.begin(sessionId, again);
  }

  /** Those that are there, as messages to send; they are no longer here then. */
  takeReady(sessionId: string): Outgoing[] {
    const ready = this.of(sessionId).filter((one) => one.uploaded);
    this.letGo(ready);
    this.set(
      sessionId,
      this.of(sessionId).filter((one) => !one.uploaded),
    );
    return ready.map(outgoing);
  }

  /** The person leaves: nothing goes on. */
  close(): void {
    for (const one of this.running.values()) one.cancel();
    for (const all of this.bySession.values()) this.letGo(all);
    this.bySession.clear();
  }

  private begin(sessionId: string, { id, file }: Attachment): void {
    this.change(sessionId, id, { progress: 0, problem: undefined });
    const started = upload(this.api, file, (progress) => this.change(sessionId, id, { progress }));
    this.running.set(id, started);
    started.done
      .then(
        (uploaded) => this.change(sessionId, id, { uploaded, progress: 1 }),
        (thrown: unknown) => {
          const problem = thrown instanceof ApiError ? thrown : new ApiError("INTERNAL", String(thrown), 0);
          this.change(sessionId, id, { problem });
        },
      )
      .finally(() => this.running.delete(id));
  }

  private change(sessionId: string, id: number, how: Partial<Attachment>): void {
    this.set(
      sessionId,
      this.of(sessionId).map((one) => (one.id === id ? { ...one, ...how } : one)),
    );
  }

  private set(sessionId: string, all: readonly Attachment[]): void {
    if (all.length) this.bySession.set(sessionId, all);
    else this.bySession.delete(sessionId);
    this.changed();
  }

  private letGo(gone: readonly Attachment[]): void {
    for (const one of gone) if (one.preview) URL.revokeObjectURL(one.preview);
  }
}

function outgoing({ uploaded, kind }: Attachment): Outgoing {
  // The service looked into the file: what it does not take for a picture is a file.
  const image = kind === "image" && uploaded?.mimeType.startsWith("image/");
  return {
    messageType: kind === "voice" ? "voice" : image ? "image" : "file",
    content: "",
    fileUrl: uploaded?.fileUrl,
    fileName: uploaded?.fileName,
    fileSize: uploaded?.fileSize,
  };
}
