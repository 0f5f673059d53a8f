// Where the service's events come in. Each is applied to what it is about; what has no place yet asks for a sync.
import type { ChatClient } from "./client";
import type { Clock } from "./clock";
import type { Applied, SessionStore } from "./session-store";
import type { Message, ServerEvents } from "./wire";

/** A typing sign ends by itself; the service says so after 6 s, and a lost connection cannot. */
const TYPING_MS = 7_000;

type Table = { [E in keyof ServerEvents]?: (payload: ServerEvents[E]) => void };

export class Inlet {
  private readonly table: Table;

  constructor(
    private readonly client: ChatClient,
    private readonly clock: Clock,
    private readonly heard: (message: Message, session: SessionStore) => void,
  ) {
    const change = (sessionId: string, how: (session: SessionStore) => Applied | undefined) =>
      this.apply(sessionId, how);
    this.table = {
      "message:receive": ({ message }) => this.received(message),
      "message:sent": ({ message }) => this.sent(message),
      "message:deleted": (told) => change(told.sessionId, (session) => session.applyTombstone(told)),
      "message:recalled": (told) => change(told.sessionId, (session) => session.applyTombstone(told)),
      "message:updated": (told) => change(told.sessionId, (session) => session.applyUpdated(told)),
      "message:reaction": (told) => change(told.sessionId, (session) => session.applyReaction(told)),
      "message:status": (told) => client.sessions.get(told.sessionId)?.applyStatus(told),
      "message:read": (told) => client.sessions.get(told.sessionId)?.applyRead(told),
      "session:created": (told) => this.created(told),
      "session:updated": (told) => this.updated(told),
      "session:removed": (told) => client.sessions.remove(told.sessionId, told),
      "unread:count": ({ data }) => client.sessions.setUnread(data.bySession),
      "user:joined": ({ user }) => client.people.learn([user]),
      "user:status": (told) => client.people.setPresence(told.userId, told.status, told.lastSeen),
      "users:online": (present) => client.people.present(present),
      "typing:start": (told) => this.typing(told.sessionId, told.userId),
      "typing:stop": (told) => client.sessions.get(told.sessionId)?.setTyping(told.userId, null),
    };
  }

  take(name: string, payload: unknown): void {
    const handle = this.table[name as keyof ServerEvents] as ((payload: unknown) => void) | undefined;
    handle?.(payload);
  }

  /** One of our own messages is stored: by this device's acknowledgement, or by any device's event. */
  sent(message: Message): void {
    this.apply(message.sessionId, (session) => session.applyMessage(message));
    if (message.clientMsgId) this.client.outbox.arrived(message.clientMsgId, message);
  }

  private received(message: Message): void {
    this.apply(message.sessionId, (session) => {
      const applied = session.applyMessage(message);
      if (applied !== "known" && !message.system) this.heard(message, session);
      return applied;
    });
  }

  private created({ session: document, members }: ServerEvents["session:created"]): void {
    const session = this.client.sessions.take(document);
    session.applyMembers(members);
    void this.client.syncer.profiles(session).catch(() => {});
    // From where the past is shown to us only a sync tells.
    this.client.syncer.request();
  }

  private updated(told: ServerEvents["session:updated"]): void {
    this.apply(told.sessionId, (session) => {
      const applied = session.applySessionUpdated(told);
      if (told.joined.length) void this.client.syncer.profiles(session).catch(() => {});
      return applied;
    });
  }

  private typing(sessionId: string, userId: string): void {
    const session = this.client.sessions.get(sessionId);
    if (!session || userId === this.client.me) return;
    const until = this.clock.now() + TYPING_MS;
    session.setTyping(userId, until);
    this.clock.after(TYPING_MS, () => {
      if (session.typing.get(userId) === until) session.setTyping(userId, null);
    });
  }

  private apply(sessionId: string, how: (session: SessionStore) => Applied | undefined): void {
    const session = this.client.sessions.get(sessionId);
    // An unknown session, or something missing before this: the database knows.
    if (!session || how(session) === "gap") this.client.syncer.request();
  }
}
