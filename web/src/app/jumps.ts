// "Show this message": from a search's hit to the conversation that has it, which may have to be opened first.
import { Observable } from "../core/observable";

class Jumps extends Observable {
  private wanted: { sessionId: string; seq: number } | null = null;

  ask(sessionId: string, seq: number): void {
    this.wanted = { sessionId, seq };
    this.changed();
  }

  /** Which `seq` of this session is wanted; asked for once. */
  take(sessionId: string): number | null {
    if (this.wanted?.sessionId !== sessionId) return null;
    const { seq } = this.wanted;
    this.wanted = null;
    return seq;
  }
}

export const jumps = new Jumps();
