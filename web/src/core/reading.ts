// Tells the service how far this person has read. Positions only grow, a few calls a second at most, and what could not be
// told is told when the connection is back.
import type { Clock } from "./clock";

const TELL_EVERY_MS = 250;

export class Reading {
  private readonly wanted = new Map<string, number>();
  private planned = false;
  private open = false;

  constructor(
    private readonly clock: Clock,
    private readonly tell: (sessionId: string, seq: number) => Promise<void>,
  ) {}

  /** Everything up to `seq` was on the screen of a visible window. */
  seen(sessionId: string, seq: number): void {
    if (seq <= (this.wanted.get(sessionId) ?? 0)) return;
    this.wanted.set(sessionId, seq);
    this.plan();
  }

  setOpen(open: boolean): void {
    this.open = open;
    if (open) this.plan();
  }

  private plan(): void {
    if (this.planned || !this.open || this.wanted.size === 0) return;
    this.planned = true;
    this.clock.after(TELL_EVERY_MS, () => {
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
      } catch {
        // Kept: told again with the next look, or when the connection is back.
      }
    });
    await Promise.all(jobs);
  }
}
