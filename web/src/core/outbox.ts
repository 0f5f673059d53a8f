// Everything between "Enter" and the service's acknowledgement: messages, with the files they wait for, and changes. Each has
// a `clientMsgId` from the beginning, so it may be sent as often as needed and is one message. Within a session one is on its
// way at a time: whatever happens to it, the next cannot overtake it.
import { ApiError } from "./api";
import type { Clock } from "./clock";
import { Observable } from "./observable";
import type { Change, OutboxEntry, Outgoing } from "./outbox-entry";
import type { Storage } from "./storage";
import type { Message } from "./wire";

export interface OutboxDuties {
  /** Sends it; resolves when it is committed. Throws an {@link ApiError}. */
  send(entry: OutboxEntry): Promise<void>;
  newId(): string;
  /** It is stored, or given up: what was kept for it is not needed any more. */
  done?(entry: OutboxEntry): void;
}

/** What will not become better by repeating it; everything else is tried again. */
const FINAL = new Set([
  "FORBIDDEN",
  "NOT_FOUND",
  "CONVERSATION_NOT_FOUND",
  "INVALID_MESSAGE",
  "VALIDATION_FAILED",
  "MESSAGE_TOO_LARGE",
  "FILE_REJECTED",
  "CONFLICT",
  "WINDOW_CLOSED",
  "UNSUPPORTED_MEDIA_TYPE",
  "PAYLOAD_TOO_LARGE",
]);

/** Whether trying again can be of use. */
export function isFinal({ code, status }: Pick<ApiError, "code" | "status">): boolean {
  return FINAL.has(code) || (status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status));
}

const RETRY = { lost: 250, first: 1_000, cap: 30_000 } as const;

/** So many may wait; then the composer keeps the text. */
export const OUTBOX_LIMIT = 1_000;

export type Adding = Partial<Pick<OutboxEntry, "clientMsgId" | "file" | "after" | "change" | "ranges">>;

interface Queue {
  entries: OutboxEntry[];
  /** The messages among them, and the changes: the same arrays as long as nothing changes. */
  messages?: readonly OutboxEntry[];
  changes?: readonly OutboxEntry[];
  busy: boolean;
  attempts: number;
  /** Calls off the next attempt, while one is planned. */
  waiting: (() => void) | null;
}

export class Outbox extends Observable {
  private readonly queues = new Map<string, Queue>();
  private open = false;
  private lastOrder = 0;
  /** Writes to the storage, one after the other, so that a removal never overtakes what it removes. */
  private writes: Promise<void> = Promise.resolve();

  constructor(
    private readonly storage: Promise<Storage>,
    private readonly clock: Clock,
    private readonly duties: OutboxDuties,
  ) {
    super();
  }

  /** Takes up what an earlier page left. Whether it arrived then nobody knows, so it is sent again under its old key. */
  async load(): Promise<void> {
    const stored = await (await this.storage).entries();
    for (const entry of stored) {
      if (this.find(entry.clientMsgId)) continue;
      const kept: OutboxEntry = entry.state === "sending" ? { ...entry, state: "unsent" } : entry;
      const queue = this.queue(entry.sessionId);
      lay(
        queue,
        [...queue.entries, kept].sort((a, b) => a.order - b.order),
      );
      this.lastOrder = Math.max(this.lastOrder, entry.order);
    }
    this.changed();
    this.flush();
  }

  /** Everything of a session that is not yet a message, in its order. The same array as long as nothing changes. */
  of(sessionId: string): readonly OutboxEntry[] {
    const queue = this.queues.get(sessionId);
    if (!queue) return NOTHING;
    queue.messages ??= queue.entries.filter((entry) => !entry.change);
    return queue.messages;
  }

  /** Changes of a session that are not yet made, in their order. The same array as long as nothing changes. */
  changesOf(sessionId: string): readonly OutboxEntry[] {
    const queue = this.queues.get(sessionId);
    if (!queue) return NOTHING;
    queue.changes ??= queue.entries.filter((entry) => entry.change);
    return queue.changes;
  }

  /** Whether a message that waits carries this file. */
  waits(fileId: string): boolean {
    return [...this.queues.values()].some((queue) => queue.entries.some((entry) => entry.file?.id === fileId));
  }

  /** Messages and changes that wait, in all sessions. */
  get size(): number {
    let size = 0;
    for (const queue of this.queues.values()) size += queue.entries.length;
    return size;
  }

  /** Of which sessions something waits. */
  ids(): string[] {
    return [...this.queues].filter(([, queue]) => queue.entries.length > 0).map(([id]) => id);
  }

  /** What waits under one id belongs to another from now on: a planned conversation was made. Order and keys stay. */
  move(from: string, to: string): void {
    const queue = this.queues.get(from);
    if (!queue || from === to) return;
    const moved = queue.entries.map((entry) => ({ ...entry, sessionId: to }));
    for (const entry of moved) this.write((storage) => storage.putEntry(entry));
    const there = this.queues.get(to);
    there?.waiting?.();
    // The same queue, so that what is on its way from it stays before the rest.
    lay(
      queue,
      [...(there?.entries ?? []), ...moved].sort((a, b) => a.order - b.order),
    );
    this.queues.set(to, queue);
    this.queues.delete(from);
    this.changed();
    this.flush();
  }

  /** A change to what is there already. It waits its turn, and takes itself up again as a message does. */
  change(sessionId: string, change: Change): OutboxEntry | null {
    const same = this.changesOf(sessionId).filter(
      (one) =>
        one.state === "unsent" &&
        !one.unsure &&
        one.change?.messageId === change.messageId &&
        one.change?.what === change.what &&
        (change.what === "edit" || (change.what === "react" && one.change?.text === change.text)),
    );
    for (const one of same) this.drop(one);
    // Put on and taken off again before either was told: nothing has happened.
    if (change.what === "react" && same.some((one) => one.change?.method !== change.method)) return null;
    return this.add(sessionId, {}, { change });
  }

  add(sessionId: string, body: Outgoing, adding: Adding = {}): OutboxEntry {
    const known = adding.clientMsgId ? this.find(adding.clientMsgId) : undefined;
    if (known) return known;
    // Later than everything before it, also when the clock was set back.
    this.lastOrder = Math.max(this.lastOrder + 1, this.clock.now());
    const entry: OutboxEntry = {
      ...adding,
      shared: adding.clientMsgId !== undefined || undefined,
      clientMsgId: adding.clientMsgId ?? this.duties.newId(),
      sessionId,
      body,
      order: this.lastOrder,
      createdAt: this.clock.now(),
      state: "unsent",
    };
    const queue = this.queue(sessionId);
    lay(queue, [...queue.entries, entry]);
    this.write((storage) => storage.putEntry(entry));
    this.changed();
    this.flush();
    return entry;
  }

  /** Tries a failed one again, by hand. */
  retry(clientMsgId: string): void {
    const entry = this.find(clientMsgId);
    if (entry?.state !== "failed") return;
    this.set(entry, { state: "unsent", problem: undefined });
    this.flush();
  }

  /** Gives up one that is not on its way. */
  discard(clientMsgId: string): void {
    const entry = this.find(clientMsgId);
    if (entry && entry.state !== "sending") this.drop(entry);
  }

  /** Sends a failed answer without what it answered. */
  withoutReply(clientMsgId: string): void {
    const entry = this.find(clientMsgId);
    if (entry?.state !== "failed") return;
    this.set(entry, { body: { ...entry.body, replyTo: undefined, replyToAsOf: undefined }, state: "unsent", problem: undefined });
    this.flush();
  }

  /**
   * It is known to be stored: from an acknowledgement, an event or a sync, whichever comes first. Two tabs may have sent
   * different words as one draft; then the first are stored, and these go as a message of their own.
   */
  arrived(clientMsgId: string, stored?: Message): void {
    const entry = this.find(clientMsgId);
    if (!entry) return;
    this.drop(entry, stored !== undefined && differs(entry, stored));
    if (stored && differs(entry, stored)) {
      const { sessionId, body, file, ranges } = entry;
      this.add(sessionId, body, { file, ranges });
    }
  }

  /** Whether there is a connection to send over. */
  setOpen(open: boolean): void {
    const opened = open && !this.open;
    this.open = open;
    if (!opened) return;
    for (const queue of this.queues.values()) {
      queue.waiting?.();
      queue.waiting = null;
      queue.attempts = 0;
    }
    this.flush();
  }

  /** Resolves when everything so far is written to the storage. */
  settled(): Promise<void> {
    return this.writes;
  }

  private flush(): void {
    if (!this.open) return;
    for (const queue of this.queues.values()) void this.work(queue);
  }

  private async work(queue: Queue): Promise<void> {
    if (queue.busy || !this.open) return;
    const failed = new Set(queue.entries.filter((entry) => entry.state === "failed").map((entry) => entry.clientMsgId));
    const first = queue.entries.find((entry) => {
      if (entry.state === "failed") return false;
      // Words do not leave without their file.
      if (!entry.after?.some((id) => failed.has(id))) return true;
      failed.add(entry.clientMsgId);
      return false;
    });
    if (!first || queue.waiting) return;
    queue.busy = true;
    const entry = this.set(first, { state: "sending", busyUntil: undefined });
    let problem: ApiError | null = null;
    try {
      await this.duties.send(entry);
      queue.attempts = 0;
      this.arrived(entry.clientMsgId);
    } catch (thrown) {
      problem = thrown instanceof ApiError ? thrown : new ApiError("INTERNAL", String(thrown), 0);
    }
    queue.busy = false;
    // An event may have said meanwhile that it is stored after all.
    const still = this.find(entry.clientMsgId);
    if (problem && still) this.setBack(queue, still, problem);
    void this.work(queue);
  }

  private setBack(queue: Queue, entry: OutboxEntry, problem: ApiError): void {
    if (isFinal(problem)) {
      queue.attempts = 0;
      if (entry.change && entry.unsure && DONE.has(problem.code) && entry.change.what !== "edit") {
        // An answer was lost on the way, and the repetition finds it done.
        this.drop(entry);
        return;
      }
      const { code, message, details } = problem;
      this.set(entry, { state: "failed", problem: { code, message, details } });
      return;
    }
    const asked = Number(problem.details.retryAfter ?? 0) * 1_000;
    const lost = problem.code === "NETWORK";
    const first = lost ? RETRY.lost : RETRY.first;
    const delay = Math.max(asked, Math.min(RETRY.cap, first * 2 ** Math.min(queue.attempts, 10)));
    queue.attempts += 1;
    const busyUntil = asked > 0 ? this.clock.now() + delay : undefined;
    this.set(entry, { state: "unsent", unsure: entry.unsure || lost || problem.details.outcome === "unknown", busyUntil });
    queue.waiting = this.clock.after(delay, () => {
      queue.waiting = null;
      void this.work(queue);
    });
  }

  find(clientMsgId: string): OutboxEntry | undefined {
    for (const queue of this.queues.values()) {
      const found = queue.entries.find((entry) => entry.clientMsgId === clientMsgId);
      if (found) return found;
    }
    return undefined;
  }

  private set(entry: OutboxEntry, change: Partial<OutboxEntry>): OutboxEntry {
    const changed = { ...entry, ...change };
    const queue = this.queue(entry.sessionId);
    lay(
      queue,
      queue.entries.map((one) => (one.clientMsgId === entry.clientMsgId ? changed : one)),
    );
    // `sending` is of this page only: for a later one it is `unsent`, which is what is stored already.
    if (changed.state !== "sending") this.write((storage) => storage.putEntry(changed));
    this.changed();
    return changed;
  }

  private drop(entry: OutboxEntry, again = false): void {
    const queue = this.queue(entry.sessionId);
    lay(
      queue,
      queue.entries.filter((one) => one.clientMsgId !== entry.clientMsgId),
    );
    this.write((storage) => storage.removeEntry(entry.clientMsgId));
    if (!again) this.duties.done?.(entry);
    this.changed();
    // What waited for it may go now.
    this.flush();
  }

  private queue(sessionId: string): Queue {
    let queue = this.queues.get(sessionId);
    if (!queue) {
      queue = { entries: [], busy: false, attempts: 0, waiting: null };
      this.queues.set(sessionId, queue);
    }
    return queue;
  }

  private write(job: (storage: Storage) => Promise<void>): void {
    // A full disk must not stop the sending; the entry then lives as long as the page.
    this.writes = this.writes.then(async () => job(await this.storage)).catch(() => {});
  }
}

const NOTHING: readonly OutboxEntry[] = [];

/** What a repetition finds when the first time was done. */
const DONE = new Set(["NOT_FOUND", "CONFLICT", "CONVERSATION_NOT_FOUND"]);

function lay(queue: Queue, entries: OutboxEntry[]): void {
  queue.entries = entries;
  queue.messages = undefined;
  queue.changes = undefined;
}

/** The words alone: the service may take away what is not seen. */
const words = (text: string | null | undefined) => (text ?? "").replace(/[^\p{L}\p{N}]/gu, "");

/** Whether a stored message says something else than an entry of the same key. What was changed since says nothing about it. */
function differs({ body, file, shared }: OutboxEntry, stored: Message): boolean {
  if (!shared || stored.isDeleted || stored.editedAt) return false;
  return words(body.content) !== words(stored.content) || Boolean(file ?? body.fileUrl) !== Boolean(stored.fileUrl);
}
