// All sessions of the person, newest activity first, and what is unread in all of them.
import { Observable } from "./observable";
import { plannedId, plannedPerson, plannedSession } from "./planned";
import { SessionStore } from "./session-store";
import type { SessionDocument } from "./wire";

/** A session that one was part of, and who ended that, as far as it was told. */
export interface Ended {
  session: SessionStore;
  reason?: "left" | "removed";
  by?: string;
}

export class SessionList extends Observable {
  private readonly byId = new Map<string, SessionStore>();
  private order: SessionStore[] | null = null;
  /** What one is no longer part of, since this page was opened. */
  private readonly ended = new Map<string, Ended>();
  private readonly endings = new Map<string, () => void>();

  private readonly plans = new Map<string, SessionStore>();

  constructor(
    private readonly me: string,
    /** What was kept under a planned conversation's id belongs to the one that was made. */
    private readonly placed: (planned: string, made: string) => void = () => {},
    private readonly now: () => number = Date.now,
  ) {
    super();
  }

  /** A conversation by its id; for the id of a planned one the one with that person, made or not. */
  get(sessionId: string): SessionStore | undefined {
    const userId = plannedPerson(sessionId);
    return userId === null ? this.byId.get(sessionId) : (this.withPerson(userId) ?? this.plan(userId));
  }

  /** The private conversation with a user that its first message creates. */
  plan(userId: string): SessionStore {
    let planned = this.plans.get(userId);
    if (!planned) {
      planned = plannedSession(userId, this.me, this.now());
      this.plans.set(userId, planned);
      this.endings.set(planned.id, planned.subscribe(() => this.mark()));
    }
    return planned;
  }

  /** Planned ones that were opened, or have something kept under their id. */
  planned(): SessionStore[] {
    return [...this.plans.values()];
  }

  /** Hands what was kept for a person over to the conversation with them, where there is one by now. */
  place(userId: string): void {
    const made = this.withPerson(userId);
    if (!made) return;
    const id = plannedId(userId);
    this.endings.get(id)?.();
    this.endings.delete(id);
    this.plans.delete(userId);
    this.placed(id, made.id);
  }

  /** The known one, or a new one made from the document. */
  take(document: SessionDocument): SessionStore {
    const known = this.byId.get(document._id);
    if (known) return known;
    this.ended.delete(document._id);
    const made = new SessionStore(document, this.me);
    this.byId.set(made.id, made);
    this.endings.set(
      made.id,
      made.subscribe(() => this.mark()),
    );
    this.mark();
    if (!made.group) this.place(made.other);
    return made;
  }

  /** Why a session is not here any more. */
  gone(sessionId: string): Ended | undefined {
    return this.ended.get(sessionId);
  }

  remove(sessionId: string, how: Omit<Ended, "session"> = {}): void {
    const session = this.byId.get(sessionId);
    if (session) this.ended.set(sessionId, { session, reason: how.reason, by: how.by });
    this.endings.get(sessionId)?.();
    this.endings.delete(sessionId);
    if (this.byId.delete(sessionId)) this.mark();
  }

  /** Newest activity first. The same array as long as nothing changes. */
  all(): readonly SessionStore[] {
    this.order ??= [...this.byId.values()].sort(
      (a, b) => b.document.lastMessageTime.localeCompare(a.document.lastMessageTime) || b.id.localeCompare(a.id),
    );
    return this.order;
  }

  /** The private session with a user, if there is one. */
  withPerson(userId: string): SessionStore | undefined {
    return this.all().find((session) => !session.group && session.other === userId);
  }

  setUnread(bySession: Readonly<Record<string, number>>): void {
    for (const session of this.byId.values()) session.setUnread(bySession[session.id] ?? 0);
  }

  /** Unread messages that ring: of muted sessions only those that mention the person. */
  get unread(): number {
    let unread = 0;
    for (const session of this.byId.values()) unread += session.muted ? session.mentioned : session.unread;
    return unread;
  }

  /** The list is complete now, or something else about it is to be drawn anew. */
  touch(): void {
    this.mark();
  }

  private mark(): void {
    this.order = null;
    this.changed();
  }
}
