// Everybody this device has heard of, and how present they are.
import type { User } from "./api";
import { Observable } from "./observable";
import type { Person, Presence } from "./wire";

export class People extends Observable {
  private readonly byId = new Map<string, Person>();
  /** Presence of people whose profile has not come yet. */
  private readonly presences = new Map<string, Presence>();
  private sorted: Person[] | null = null;

  get(userId: string): Person | undefined {
    return this.byId.get(userId);
  }

  /** Everybody, by name. The same array as long as nothing changes. */
  all(): readonly Person[] {
    this.sorted ??= [...this.byId.values()].sort((a, b) => nameOf(a).localeCompare(nameOf(b)));
    return this.sorted;
  }

  learn(users: readonly (User | Person)[]): void {
    for (const user of users) {
      const known = this.byId.get(user._id);
      const status = this.presences.get(user._id) ?? known?.status;
      // A profile may be older than the presence that was told meanwhile.
      this.byId.set(user._id, { ...(user as Person), status: status ?? (user as Person).status });
    }
    if (users.length) this.mark();
  }

  /** Everybody who is online or away just now; all others are not. */
  present(users: readonly Person[]): void {
    this.presences.clear();
    for (const user of users) this.presences.set(user._id, user.status);
    for (const [id, known] of this.byId) {
      const status = this.presences.get(id) ?? "offline";
      if (known.status !== status) this.byId.set(id, { ...known, status });
    }
    this.learn(users);
    this.mark();
  }

  setPresence(userId: string, status: Presence, lastSeen: string): void {
    this.presences.set(userId, status);
    const known = this.byId.get(userId);
    if (!known || known.status === status) return;
    this.byId.set(userId, { ...known, status, lastSeen });
    this.mark();
  }

  private mark(): void {
    this.sorted = null;
    this.changed();
  }
}

/** How a person is called. */
export function nameOf(person: Pick<Person, "realName" | "username">): string {
  return person.realName || person.username;
}
