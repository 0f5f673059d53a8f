// The unread counts of people who are connected, in memory from their first change on, so that a new
// message costs no query to push its receiver's counts. One process, so nobody else changes them.
import { Session } from './models.js';
import { success } from './wire.js';

/** Milliseconds between two pushes to one person; the last change is always pushed. */
const PUSH_EVERY = 100;

const summed = (counts) => {
  const bySession = {};
  let unreadCount = 0;
  for (const [session, count] of counts) {
    if (count > 0) {
      bySession[session] = count;
      unreadCount += count;
    }
  }
  return { unreadCount, bySession };
};

/** `[session id, count, version]` of all of somebody's sessions. */
async function stored(userId) {
  const field = `unreadCount.${userId}`;
  const rows = await Session.find({ participants: userId }, { [field]: 1, version: 1 }).lean();
  return rows.map((row) => [row._id.toHexString(), row.unreadCount?.[userId] ?? 0, row.version]);
}

export class Unread {
  #people = new Map(); // user id → { sessions: Map(id → {count, version}), loaded: Promise, timer, again }
  #push;

  /** `push(userId, envelope)` tells a person's sockets. */
  constructor(push) {
    this.#push = push;
  }

  /** What a session's document says now of a connected person's unread messages. */
  async changed(userId, sessionId, { unreadCount, version }) {
    const person = this.#people.get(userId) ?? this.#load(userId);
    note(person, sessionId, unreadCount[userId] ?? 0, version);
    await person.loaded;
    this.#tell(userId, person);
  }

  /** Somebody's counts: from memory if they are there. */
  async of(userId) {
    const person = this.#people.get(userId);
    if (!person) return summed((await stored(userId)).map(([session, count]) => [session, count]));
    await person.loaded;
    return counts(person);
  }

  /** Nobody is there to be told any more. */
  forget(userId) {
    clearTimeout(this.#people.get(userId)?.timer);
    this.#people.delete(userId);
  }

  #load(userId) {
    const person = { sessions: new Map(), loaded: undefined, timer: undefined, again: false };
    this.#people.set(userId, person);
    person.loaded = stored(userId).then(
      (rows) => rows.forEach(([session, count, version]) => note(person, session, count, version)),
      (error) => {
        this.#people.delete(userId);
        throw error;
      },
    );
    return person;
  }

  #tell(userId, person) {
    if (person.timer) {
      person.again = true;
      return;
    }
    this.#push(userId, success(counts(person)));
    person.timer = setTimeout(() => {
      person.timer = undefined;
      if (person.again && this.#people.get(userId) === person) {
        person.again = false;
        this.#tell(userId, person);
      }
    }, PUSH_EVERY);
  }
}

const counts = (person) => summed([...person.sessions].map(([session, { count }]) => [session, count]));

/** Answers of MongoDB may come in another order than its changes: the newer version stays. */
function note(person, sessionId, count, version) {
  const known = person.sessions.get(sessionId);
  if (!known || known.version < version) person.sessions.set(sessionId, { count, version });
}
