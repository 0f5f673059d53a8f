// Tells the service how far this person has read. Positions only grow, a few calls a second at most, and what could not be
// told is told when the connection is back.
import type { Clock } from "./clock";

const TELL_EVERY_MS = 250;
const AGAIN_MS = 2_000;
/** Refusals after which telling again is of no use. */
const GONE = new Set(["NOT_FOUND", "CONVERSATION_NOT_FOUND", "FORBIDDEN"]);

export class Reading {
  private readonly wanted = new Map<string, number>();
  private readonly furthest = new Map<string, number>();
  private planned = false;
  private open = false;

  constructor(
    private readonly clock: Clock,
    private readonly tell: (sessionId: string, seq: number) => Promise<void>,
  ) {}

  /** Everything up to `seq` was on the screen while the user looked, or the user says so. */
  seen(sessionId: string, seq: number): void {
    if (seq <= this.upTo(sessionId)) return;
    this.furthest.set(sessionId, seq);
    this.wanted.set(sessionId, seq);
    this.plan();
  }

  /** How far was read here, told or not. */
  upTo(sessionId: string): number {
    return this.furthest.get(sessionId) ?? 0;
  }

  setOpen(open: boolean): void {
    this.open = open;
    if (open) this.plan();
  }

  private plan(after = TELL_EVERY_MS): void {
    if (this.planned || !this.open || this.wanted.size === 0) return;
    this.planned = true;
    this.clock.after(after, () => {
      this.planned = false;
      void this.flush();
    });
  }

  private async flush(): Promise<void> {
    if (!this.open) return;
    const jobs = [...this.wanted].map(async ([sessionId, seq]) => {
      try {
        await this.tell(sessionId, seq);
        if (this.wanted.get(sessionId) === seq) this.wanted.delete(sessionId);
      } catch (problem) {
        // Kept: told again in a while, or when the connection is back; unless there is nobody to be told.
        if (GONE.has(String((problem as { code?: string }).code))) this.wanted.delete(sessionId);
      }
    });
    await Promise.all(jobs);
    if (this.wanted.size > 0) this.plan(AGAIN_MS);
  }
}
