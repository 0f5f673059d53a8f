// Everybody this device has heard of, and how present they are.
import type { User } from "./api";
import { Observable } from "./observable";
import type { Person, Presence } from "./wire";

export class People extends Observable {
  private readonly byId = new Map<string, Person>();
  /** Presence of people whose profile has not come yet. */
  private readonly presences = new Map<string, Presence>();
  private sorted: Person[] | null = null;
  private readonly wanted = new Set<string>();
  /** Called when a name is wanted that nobody told this device. */
  onWanted: () => void = () => {};

  get(userId: string): Person | undefined {
    return this.byId.get(userId);
  }

  /** Requests a name to show. A group no longer lists a former member, but their messages still need the name. */
  want(userId: string): void {
    if (this.byId.has(userId) || this.wanted.has(userId)) return;
    this.wanted.add(userId);
    this.onWanted();
  }

  /** Wanted, and still not known. */
  strangers(): string[] {
    return [...this.wanted].filter((id) => !this.byId.has(id));
  }

  /** Everybody, by name. The same array as long as nothing changes. */
  all(): readonly Person[] {
    this.sorted ??= [...this.byId.values()].sort((a, b) => byName(nameOf(a), nameOf(b)));
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

  /** Those of these people who still read what is written; of whom nothing is known counts. */
  activeAmong(userIds: readonly string[]): string[] {
    return userIds.filter((id) => this.byId.get(id)?.isActive !== false);
  }

  /** Their accounts were closed: they read nothing any more. */
  setInactive(userIds: readonly string[]): void {
    const known = userIds.map((id) => this.byId.get(id)).filter((one) => one?.isActive);
    for (const one of known) if (one) this.byId.set(one._id, { ...one, isActive: false });
    if (known.length) this.mark();
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

const collator = new Intl.Collator(undefined, { numeric: true, sensitivity: "base" });

/** The order of names: `Ward 2` before `Ward 10`. */
export const byName = (a: string, b: string) => collator.compare(a, b);
