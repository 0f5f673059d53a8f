// Files that are attached and not sent, for each conversation, as a part of its draft: kept over a reload, uploaded at once
// where there is a connection, and taken up again when there is one. A file that was sent stays here until its message is
// stored: the outbox asks for it by its id.
import { type Api, ApiError } from "./api";
import type { Clock } from "./clock";
import { newId } from "./ids";
import { Observable } from "./observable";
import { isFinal } from "./outbox";
import type { OutgoingFile } from "./outbox-entry";
import type { Storage } from "./storage";
import type { FileKind, StoredFile } from "./stored-file";
import type { Tabs } from "./tabs";
import { fetchUploader, type Upload, type UploadedFile, type Uploader } from "./uploader";

/** The service's default; it has the last word. */
export const SIZE_LIMIT = 25_000_000;
/** Files of one session at once. */
export const COUNT_LIMIT = 10;
/** So many bytes wait in the browser's database; what is beyond them lives as long as the page. */
export const KEPT_LIMIT = 100_000_000;
/** A recording that was not written for so long goes on no more: its page is gone. */
const ENDED_MS = 3_000;
const RETRY = { first: 1_000, cap: 30_000 } as const;

export interface Attachment {
  id: string;
  sessionId: string;
  file: File;
  kind: FileKind;
  order: number;
  /** From 0 to 1. */
  progress: number;
  /** There was no connection, or the service was busy; it is tried again by itself. */
  waiting: boolean;
  /** The service asked to wait until then, in ms since the epoch. */
  busyUntil?: number;
  uploaded?: UploadedFile;
  /** Why the service does not take it. */
  problem?: ApiError;
  /** Whether the browser's database has it. */
  kept: boolean;
}

export interface Refusal {
  name: string;
  why: "empty" | "tooLarge" | "tooMany";
}

export interface AttachmentOptions {
  uploader?: Uploader;
  /** Makes of a file what others can open; the file itself where nothing is to be done or can be. */
  prepare?: (file: File) => Promise<File>;
  tabs?: Tabs;
}

const NONE: readonly Attachment[] = [];
const NO_REFUSALS: readonly Refusal[] = [];

export class AttachmentStore extends Observable {
  private readonly bySession = new Map<string, readonly Attachment[]>();
  /** Those whose message is in the outbox. */
  private readonly going = new Map<string, Attachment>();
  private readonly refused = new Map<string, readonly Refusal[]>();
  private readonly running = new Map<string, Upload>();
  private readonly attempts = new Map<string, number>();
  private readonly removed = new Set<string>();
  private writes: Promise<void> = Promise.resolve();
  private lastOrder = 0;
  private open = false;
  private closed = false;

  constructor(
    private readonly api: Api,
    private readonly storage: Promise<Storage>,
    private readonly clock: Clock,
    private readonly options: AttachmentOptions = {},
  ) {
    super();
    options.tabs?.listen((news) => {
      if (news.what === "files") void this.reload(news.sessionId).catch(() => {});
    });
  }

  /** Takes up what an earlier page left. `sending` says which of them the outbox still holds. */
  async load(sending: (id: string) => boolean): Promise<void> {
    for (const stored of await (await this.storage).files()) {
      if (this.find(stored.id) || this.removed.has(stored.id)) continue;
      if (stored.recording && this.clock.now() - stored.recording < ENDED_MS) {
        this.clock.after(ENDED_MS, () => void this.load(sending).catch(() => {}));
        continue;
      }
      const one = restored(stored);
      this.lastOrder = Math.max(this.lastOrder, stored.order);
      if (stored.sending && sending(stored.id)) this.going.set(one.id, one);
      else this.set(one.sessionId, [...this.of(one.sessionId), one].sort(inOrder));
    }
    this.changed();
    if (this.open) this.takeUp();
  }

  of(sessionId: string): readonly Attachment[] {
    return this.bySession.get(sessionId) ?? NONE;
  }

  find(id: string): Attachment | undefined {
    const going = this.going.get(id);
    if (going) return going;
    for (const all of this.bySession.values()) {
      const found = all.find((one) => one.id === id);
      if (found) return found;
    }
    return undefined;
  }

  /** Of which sessions something is attached. */
  ids(): string[] {
    return [...this.bySession.keys()];
  }

  /** What was not taken the last time, and why. */
  refusals(sessionId: string): readonly Refusal[] {
    return this.refused.get(sessionId) ?? NO_REFUSALS;
  }

  forgive(sessionId: string): void {
    if (this.refused.delete(sessionId)) this.changed();
  }

  /** Whether something would be lost if the page went now. */
  get unkept(): boolean {
    const all = [...[...this.bySession.values()].flat(), ...this.going.values()];
    return all.some((one) => !one.kept);
  }

  add(sessionId: string, files: readonly File[], kind?: FileKind): void {
    const refused: Refusal[] = [];
    let room = COUNT_LIMIT - this.of(sessionId).length;
    for (const file of files) {
      const why = file.size === 0 ? "empty" : file.size > SIZE_LIMIT ? "tooLarge" : room <= 0 ? "tooMany" : null;
      if (why) {
        refused.push({ name: file.name, why });
        continue;
      }
      room -= 1;
      this.take(sessionId, file, kind ?? kindOf(file), newId());
    }
    if (refused.length) this.refused.set(sessionId, refused);
    else this.refused.delete(sessionId);
    this.changed();
  }

  /** Keeps what was recorded so far, so that not even the page's end loses it. */
  keepRecording(sessionId: string, id: string, file: File): void {
    if (this.removed.has(id) || this.find(id)) return;
    this.keep(fresh(id, sessionId, file, "voice", this.lastOrder + 1), this.clock.now());
  }

  /** The recording ended: it is attached like any file. */
  addRecording(sessionId: string, id: string, file: File): void {
    if (!this.removed.has(id) && !this.find(id)) this.take(sessionId, file, "voice", id);
  }

  /** The recording is not wanted. */
  dropRecording(id: string): void {
    this.forget(id);
  }

  remove(sessionId: string, id: string): void {
    this.refused.delete(sessionId);
    this.set(
      sessionId,
      this.of(sessionId).filter((one) => one.id !== id),
    );
    this.forget(id);
    this.tell(sessionId);
  }

  retry(id: string): void {
    const again = this.find(id);
    if (again && !again.uploaded && !this.running.has(id)) this.begin(again);
  }

  /** All files of a session, to be sent: they leave the tray, and the outbox asks for them by their ids. */
  takeAll(sessionId: string): OutgoingFile[] {
    const all = this.of(sessionId);
    for (const one of all) {
      this.going.set(one.id, one);
      this.keep(one);
    }
    this.set(sessionId, []);
    this.refused.delete(sessionId);
    this.tell(sessionId);
    return all.map(({ id, file, kind }) => ({ id, kind, name: file.name, size: file.size }));
  }

  /** A file whose message was not sent is attached again. */
  back(id: string): void {
    const one = this.going.get(id);
    if (!one) return;
    this.going.delete(id);
    // Its id was a message's that failed; another message gets another one.
    this.forget(id);
    this.take(one.sessionId, one.file, one.kind, newId());
  }

  /** What the service says of a file that goes with a message. Throws an {@link ApiError}. */
  async upload(id: string): Promise<UploadedFile> {
    const one = this.find(id);
    if (!one) throw new ApiError("FILE_GONE", "The file is no longer on this device.", 410);
    if (one.uploaded) return one.uploaded;
    if (!this.running.has(id)) this.begin(one);
    const running = this.running.get(id);
    if (!running) throw new ApiError("NETWORK", "network", 0);
    return running.done;
  }

  /** The service no longer has it: it is uploaded anew. */
  again(id: string): void {
    this.change(id, { uploaded: undefined, progress: 0 });
  }

  /** Its message is stored, or was given up. */
  done(id: string): void {
    this.going.delete(id);
    this.forget(id);
    this.changed();
  }

  /** What is attached belongs to another id from now on: a planned conversation was made. */
  move(from: string, to: string): void {
    const moving = this.of(from).map((one) => ({ ...one, sessionId: to }));
    for (const [id, one] of this.going) if (one.sessionId === from) this.going.set(id, { ...one, sessionId: to });
    if (moving.length === 0) return;
    this.set(from, []);
    this.set(to, [...this.of(to), ...moving].sort(inOrder));
    for (const one of moving) this.keep(one);
  }

  setOpen(open: boolean): void {
    const opened = open && !this.open;
    this.open = open;
    if (opened) this.takeUp();
  }

  private takeUp(): void {
    for (const all of this.bySession.values()) for (const one of all) if (one.waiting) this.begin(one);
  }

  /** Resolves when everything so far is written to the storage. */
  settled(): Promise<void> {
    return this.writes;
  }

  /** The person leaves: nothing goes on; what is stored stays. */
  close(): void {
    this.closed = true;
    for (const one of this.running.values()) one.cancel();
  }

  private take(sessionId: string, file: File, kind: FileKind, id: string): void {
    this.lastOrder += 1;
    const made = fresh(id, sessionId, file, kind, this.lastOrder);
    this.set(sessionId, [...this.of(sessionId), made].sort(inOrder));
    void this.prepare(made);
  }

  private async prepare(made: Attachment): Promise<void> {
    let { file } = made;
    try {
      file = (await this.options.prepare?.(file)) ?? file;
    } catch {
      // As it is: the service has the last word.
    }
    this.change(made.id, { file, kind: made.kind === "file" ? kindOf(file) : made.kind });
    const now = this.find(made.id);
    if (!now) return;
    this.keep(now);
    this.tell(now.sessionId);
    if (!now.uploaded && !this.running.has(now.id)) this.begin(now);
  }

  private begin({ id, file }: Attachment): void {
    if (this.closed) return;
    const started = (this.options.uploader ?? fetchUploader)(this.api, file, (progress) => this.change(id, { progress }));
    this.running.set(id, started);
    this.change(id, { progress: 0, problem: undefined, waiting: false, busyUntil: undefined });
    const over = () => {
      if (this.running.get(id) === started) this.running.delete(id);
    };
    started.done.then(
      (uploaded) => {
        over();
        this.attempts.delete(id);
        this.change(id, { uploaded, progress: 1 });
        const now = this.find(id);
        if (now) this.keep(now);
      },
      (thrown: unknown) => {
        over();
        const problem = thrown instanceof ApiError ? thrown : new ApiError("INTERNAL", String(thrown), 0);
        if (problem.code !== "CANCELLED") this.failed(id, problem);
      },
    );
  }

  private failed(id: string, problem: ApiError): void {
    if (isFinal(problem)) {
      this.change(id, { problem });
      return;
    }
    const attempt = this.attempts.get(id) ?? 0;
    this.attempts.set(id, attempt + 1);
    const asked = Number(problem.details.retryAfter ?? 0) * 1_000;
    const delay = Math.max(asked, Math.min(RETRY.cap, RETRY.first * 2 ** Math.min(attempt, 10)));
    this.change(id, { waiting: true, busyUntil: asked > 0 ? this.clock.now() + delay : undefined });
    // Those that were sent are taken up by the outbox, in its order.
    this.clock.after(delay, () => {
      const still = this.find(id);
      if (still?.waiting && !this.going.has(id) && !this.running.has(id)) this.begin(still);
    });
  }

  /** Another tab attached, removed or sent something. */
  private async reload(sessionId: string): Promise<void> {
    const stored = (await (await this.storage).files()).filter((one) => one.sessionId === sessionId && !one.sending && !one.recording);
    const there = new Set(stored.map((one) => one.id));
    const mine = this.of(sessionId).filter((one) => there.has(one.id) || !one.kept);
    const known = new Set(mine.map((one) => one.id));
    const others = stored.filter((one) => !known.has(one.id) && !this.removed.has(one.id) && !this.going.has(one.id));
    this.set(sessionId, [...mine, ...others.map(restored)].sort(inOrder));
  }

  private change(id: string, how: Partial<Attachment>): void {
    const one = this.find(id);
    if (!one) return;
    const changed = { ...one, ...how };
    if (this.going.has(id)) {
      this.going.set(id, changed);
      this.changed();
      return;
    }
    this.set(
      one.sessionId,
      this.of(one.sessionId).map((other) => (other.id === id ? changed : other)),
    );
  }

  private set(sessionId: string, all: readonly Attachment[]): void {
    if (all.length) this.bySession.set(sessionId, all);
    else this.bySession.delete(sessionId);
    this.changed();
  }

  private forget(id: string): void {
    this.removed.add(id);
    this.running.get(id)?.cancel();
    this.running.delete(id);
    this.writes = this.writes.then(async () => (await this.storage).removeFile(id)).catch(() => {});
  }

  private keep(one: Attachment, recording?: number): void {
    const { id } = one;
    this.writes = this.writes
      .then(async () => {
        if (this.removed.has(id) || (recording && this.find(id))) return;
        const all = [...[...this.bySession.values()].flat(), ...this.going.values()];
        const others = all.filter((other) => other.kept && other.id !== id);
        if (others.reduce((sum, other) => sum + other.file.size, one.file.size) > KEPT_LIMIT) return;
        const { sessionId, file, kind, order, uploaded } = this.find(id) ?? one;
        const { name, type } = file;
        const bytes = await file.arrayBuffer();
        const sending = this.going.has(id);
        const storage = await this.storage;
        await storage.putFile({ id, sessionId, name, type, kind, bytes, order, sending, uploaded, recording });
        this.change(id, { kept: storage.lasting });
      })
      .catch(() => {});
  }

  private tell(sessionId: string): void {
    void this.writes.then(() => this.options.tabs?.tell({ what: "files", sessionId }));
  }
}

const inOrder = (a: Attachment, b: Attachment) => a.order - b.order;

function kindOf({ type, name }: File): FileKind {
  return /^image\/(png|jpeg|gif|webp|hei[cf])$/.test(type) || /\.hei[cf]$/i.test(name) ? "image" : "file";
}

function fresh(id: string, sessionId: string, file: File, kind: FileKind, order: number): Attachment {
  return { id, sessionId, file, kind, order, progress: 0, waiting: false, kept: false };
}

function restored({ id, sessionId, name, type, kind, bytes, order, uploaded }: StoredFile): Attachment {
  const file = new File([bytes], name, { type });
  const progress = uploaded ? 1 : 0;
  // Uploaded when it is sent, or when the connection is there: nobody waits for it yet.
  return { id, sessionId, file, kind, order, uploaded, progress, waiting: !uploaded, kept: true };
}
