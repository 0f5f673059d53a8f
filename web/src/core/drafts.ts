// What was typed and not sent, for each session; kept over a reload.
import type { Clock } from "./clock";
import { Observable } from "./observable";
import type { Storage } from "./storage";

const WRITE_AFTER_MS = 150;

export class Drafts extends Observable {
  private texts = new Map<string, string>();
  private readonly planned = new Map<string, () => void>();
  private writes: Promise<void> = Promise.resolve();
  /** What the storage has not confirmed. */
  private readonly open = new Set<string>();

  constructor(
    private readonly storage: Promise<Storage>,
    private readonly clock: Clock,
  ) {
    super();
  }

  async load(): Promise<void> {
    const stored = await (await this.storage).drafts();
    // What was typed while loading is newer.
    this.texts = new Map([...stored, ...this.texts]);
    this.changed();
  }

  get(sessionId: string): string {
    return this.texts.get(sessionId) ?? "";
  }

  set(sessionId: string, text: string): void {
    if (this.get(sessionId) === text) return;
    this.texts.set(sessionId, text);
    this.changed();
    this.open.add(sessionId);
    this.planned.get(sessionId)?.();
    this.planned.set(
      sessionId,
      this.clock.after(WRITE_AFTER_MS, () => this.write(sessionId)),
    );
  }

  /** What would be lost if everything ended now: a page that goes has no time for a database. */
  unwritten(): [sessionId: string, text: string][] {
    return [...this.open].map((sessionId) => [sessionId, this.get(sessionId)]);
  }

  /** Writes at once what waits to be written: the page is going. */
  flush(): Promise<void> {
    for (const [sessionId, callOff] of [...this.planned]) {
      callOff();
      this.write(sessionId);
    }
    return this.writes;
  }

  private write(sessionId: string): void {
    this.planned.delete(sessionId);
    const text = this.get(sessionId);
    this.writes = this.writes
      .then(async () => {
        await (await this.storage).putDraft(sessionId, text);
        if (this.get(sessionId) === text) this.open.delete(sessionId);
      })
      .catch(() => {});
  }
}
