// Fetches the pages of a session's history that the user looks at.
import type { Api } from "./api";
import type { SessionStore } from "./session-store";
import type { Message } from "./wire";

export class History {
  /** Sessions whose last page did not come, with the reason's code. */
  readonly problems = new Map<string, string>();

  constructor(
    private readonly api: Api,
    private readonly requestSync: () => void,
  ) {}

  /** Sees to it that everything from `from` to `to` is here, or on its way. Resolves when it came, or failed. */
  async ensure(session: SessionStore, from: number, to: number): Promise<void> {
    const runs = session.timeline.missing(from, to);
    if (runs.length === 0) return;
    await Promise.all(runs.map((run) => this.fetch(session, run)));
    session.timeline.trim(Math.floor((from + to) / 2));
  }

  /** Tries again after a failure. */
  forgive(session: SessionStore): void {
    if (this.problems.delete(session.id)) session.touch();
  }

  private async fetch(session: SessionStore, run: [number, number]): Promise<void> {
    const [first, last] = run;
    session.timeline.mark(run, true);
    const asked = session.rev;
    try {
      const query = { afterSeq: first - 1, limit: last - first + 1 };
      const messages = await this.api.call<Message[]>("GET", `/api/chat/messages/${session.id}`, { query });
      this.problems.delete(session.id);
      if (session.applyPage(messages, asked) === "gap") this.requestSync();
      // What is not shown to us (the past of a group) does not come; without this it would be asked for again and again.
      const lowest = messages[0]?.seq;
      if (lowest !== undefined && lowest > first && first === session.timeline.hiddenSeq + 1)
        session.timeline.hide(lowest - 1);
    } catch (problem) {
      this.problems.set(session.id, String((problem as { code?: string }).code ?? "INTERNAL"));
    } finally {
      session.timeline.mark(run, false);
      session.touch();
    }
  }
}
