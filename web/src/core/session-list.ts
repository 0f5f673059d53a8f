// All sessions of the person, newest activity first, and what is unread in all of them.
import { Observable } from "./observable";
import { SessionStore } from "./session-store";
import type { SessionDocument } from "./wire";

export class SessionList extends Observable {
  private readonly byId = new Map<string, SessionStore>();
  private order: SessionStore[] | null = null;
  private readonly endings = new Map<string, () => void>();

  constructor(private readonly me: string) {
    super();
  }

  get(sessionId: string): SessionStore | undefined {
    return this.byId.get(sessionId);
  }

  /** The known one, or a new one made from the document. */
  take(document: SessionDocument): SessionStore {
    const known = this.byId.get(document._id);
    if (known) return known;
    const made = new SessionStore(document, this.me);
    this.byId.set(made.id, made);
    this.endings.set(
      made.id,
      made.subscribe(() => this.mark()),
    );
    this.mark();
    return made;
  }

  remove(sessionId: string): void {
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

  /** The private session with somebody, if there is one. */
  withPerson(userId: string): SessionStore | undefined {
    return this.all().find((session) => !session.group && session.other === userId);
  }

  setUnread(bySession: Readonly<Record<string, number>>): void {
    for (const session of this.byId.values()) session.setUnread(bySession[session.id] ?? 0);
  }

  /** Unread messages that ring: muted sessions are counted on their own row only. */
  get unread(): number {
    let unread = 0;
    for (const session of this.byId.values()) if (!session.muted) unread += session.unread;
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
