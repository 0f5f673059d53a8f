// Messages between "Enter" and the service's acknowledgement. Each has a `clientMsgId` from the beginning, so it may be
// sent as often as needed and is one message. Within a session one is on its way at a time: whatever happens to it, the
// next cannot overtake it.
import { ApiError } from "./api";
import type { Clock } from "./clock";
import { Observable } from "./observable";
import type { OutboxEntry, Outgoing } from "./outbox-entry";
import type { Storage } from "./storage";

export interface OutboxDuties {
  /** Sends it; resolves when it is committed. Throws an {@link ApiError}. */
  send(entry: OutboxEntry): Promise<void>;
  newId(): string;
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
]);

const RETRY = { lost: 250, first: 1_000, cap: 30_000 } as const;

/** So many may wait; then the composer keeps the text. */
export const OUTBOX_LIMIT = 1_000;

interface Queue {
  entries: OutboxEntry[];
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
      queue.entries = [...queue.entries, kept].sort((a, b) => a.order - b.order);
      this.lastOrder = Math.max(this.lastOrder, entry.order);
    }
    this.changed();
    this.flush();
  }

  /** Everything of a session that is not yet a message, in its order. The same array as long as nothing changes. */
  of(sessionId: string): readonly OutboxEntry[] {
    return this.queues.get(sessionId)?.entries ?? NOTHING;
  }

  get size(): number {
    let size = 0;
    for (const queue of this.queues.values()) size += queue.entries.length;
    return size;
  }

  add(sessionId: string, body: Outgoing): OutboxEntry {
    // Later than everything before it, also when the clock was set back.
    this.lastOrder = Math.max(this.lastOrder + 1, this.clock.now());
    const entry: OutboxEntry = {
      clientMsgId: this.duties.newId(),
      sessionId,
      body,
      order: this.lastOrder,
      createdAt: this.clock.now(),
      state: "unsent",
    };
    const queue = this.queue(sessionId);
    queue.entries = [...queue.entries, entry];
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

  /** It is known to be stored: from an acknowledgement, an event or a sync, whichever comes first. */
  arrived(clientMsgId: string): void {
    const entry = this.find(clientMsgId);
    if (entry) this.drop(entry);
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
    const first = queue.entries.find((entry) => entry.state !== "failed");
    if (!first || queue.waiting) return;
    queue.busy = true;
    const entry = this.set(first, { state: "sending" });
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
    if (FINAL.has(problem.code)) {
      queue.attempts = 0;
      this.set(entry, { state: "failed", problem: { code: problem.code, message: problem.message } });
      return;
    }
    this.set(entry, { state: "unsent" });
    const asked = Number(problem.details.retryAfter ?? 0) * 1_000;
    const delay = Math.max(asked, Math.min(RETRY.cap, RETRY.first * 2 ** Math.min(queue.attempts, 10)));
    queue.attempts += 1;
    queue.waiting = this.clock.after(problem.code === "NETWORK" ? RETRY.lost : delay, () => {
      queue.waiting = null;
      void this.work(queue);
    });
  }

  private find(clientMsgId: string): OutboxEntry | undefined {
    for (const queue of this.queues.values()) {
      const found = queue.entries.find((entry) => entry.clientMsgId === clientMsgId);
      if (found) return found;
    }
    return undefined;
  }

  private set(entry: OutboxEntry, change: Partial<OutboxEntry>): OutboxEntry {
    const changed = { ...entry, ...change };
    const queue = this.queue(entry.sessionId);
    queue.entries = queue.entries.map((one) => (one.clientMsgId === entry.clientMsgId ? changed : one));
    // `sending` is of this page only: for a later one it is `unsent`, which is what is stored already.
    if (changed.state !== "sending") this.write((storage) => storage.putEntry(changed));
    this.changed();
    return changed;
  }

  private drop(entry: OutboxEntry): void {
    const queue = this.queue(entry.sessionId);
    queue.entries = queue.entries.filter((one) => one.clientMsgId !== entry.clientMsgId);
    this.write((storage) => storage.removeEntry(entry.clientMsgId));
    this.changed();
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
