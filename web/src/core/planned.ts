// A private conversation that does not exist yet: a user was chosen, but nothing was sent. Its first message creates it.
// Until then it goes by an id of this device that names the person, so that an address, a draft and what waits to be sent
// find it again after a reload.
import { SessionStore } from "./session-store";

const PREFIX = "with-";

export function plannedId(userId: string): string {
  return PREFIX + userId;
}

/** With whom, or null for the id of a conversation that exists. */
export function plannedPerson(sessionId: string): string | null {
  return sessionId.startsWith(PREFIX) ? sessionId.slice(PREFIX.length) : null;
}

export function plannedSession(userId: string, me: string, now: number): SessionStore {
  const at = new Date(now).toISOString();
  const session = new SessionStore(
    {
      _id: plannedId(userId),
      participants: [me, userId],
      sessionType: "private",
      sessionName: "",
      lastMessage: null,
      lastMessageTime: at,
      unreadCount: { [me]: 0, [userId]: 0 },
      seq: 0,
      rev: 0,
      createdAt: at,
      updatedAt: at,
    },
    me,
  );
  session.positioned = true;
  return session;
}
