// The way to be up to date: the list of sessions once, then `chat:sync` from wherever each session is.
import type { SessionInfo, SessionListed } from "./api";
import type { ChatClient } from "./client";
import type { Clock } from "./clock";
import type { SessionStore } from "./session-store";
import { isUnread } from "./unread";
import type { Link } from "./transport";
import type { Acknowledgements, SessionDocument, SessionSync } from "./wire";

/** Missing more than this in a session, a client loads what is looked at instead of everything. */
export const SKIP_BEYOND = 1_000;

const SYNC_WITHIN_MS = 20_000;
const SOON_MS = 30;
const PAGES_MAX = 100;

type Answer = Acknowledgements["chat:sync"]["data"];

export class Syncer {
  /** Whether the list of sessions was fetched. */
  listed = false;
  private planned = false;
  private running: Promise<void> | null = null;
  private again = false;

  constructor(
    private readonly client: ChatClient,
    private readonly clock: Clock,
  ) {}

  async bringUpToDate(link: Link): Promise<void> {
    if (!this.listed) await this.list();
    await this.sync(link);
    this.listed = true;
    this.client.sessions.touch();
  }

  /** Something is missing: a sync, soon, one for however many gaps. */
  request(): void {
    if (this.planned) return;
    this.planned = true;
    this.clock.after(SOON_MS, () => {
      this.planned = false;
      const { link } = this.client.connection;
      if (!link || !this.client.connection.live) return; // The next connection begins with one.
      void this.sync(link).catch(() => this.client.connection.giveUp(link));
    });
  }

  /** A session as lists show it. */
  readonly takeListed = (listed: SessionListed): SessionStore => {
    this.client.people.learn(listed.participantProfiles);
    const known = this.client.sessions.get(listed._id);
    if (known) return known;
    const session = this.client.sessions.take(listed as unknown as SessionDocument);
    session.applyListed(listed);
    this.request();
    return session;
  };

  /** A session as it was answered when it was made; where the list would show it follows with a sync. */
  takeInfo(info: SessionInfo): SessionStore {
    this.client.people.learn(info.participantProfiles);
    const session = this.client.sessions.take(info as unknown as SessionDocument);
    session.applyInfo(info);
    this.request();
    return session;
  }

  /** Profiles of people in a session that came without them. */
  async profiles(session: SessionStore): Promise<void> {
    const unknown = session.document.participants.some((id) => !this.client.people.get(id));
    if (unknown) await this.renewProfiles(session);
  }

  /** Profiles as they are now: whose account was closed since is told by nothing else. */
  async renewProfiles(session: SessionStore): Promise<void> {
    const info = await this.client.api.call<SessionListed>("GET", `/api/chat/sessions/${session.id}/info`);
    this.client.people.learn(info.participantProfiles);
    session.touch();
  }

  private async list(): Promise<void> {
    const path = `/api/chat/sessions/${this.client.me}`;
    for (let page = 1; page <= PAGES_MAX; page++) {
      const answer = await this.client.api.page<SessionListed[]>("GET", path, { query: { page, limit: 100 } });
      for (const listed of answer.data) this.takeListed(listed);
      if (!answer.pagination?.hasMore) return;
    }
  }

  private sync(link: Link): Promise<void> {
    if (this.running) {
      this.again = true;
      return this.running;
    }
    this.running = this.rounds(link).finally(() => {
      this.running = null;
    });
    return this.running;
  }

  private async rounds(link: Link): Promise<void> {
    do {
      this.again = false;
      let from = this.positions();
      for (;;) {
        const { data } = await link.ask("chat:sync", { sessions: from }, SYNC_WITHIN_MS);
        this.apply(data, from);
        if (!data.hasMore) break;
        from = { ...this.positions(), ...this.unfinished(data) };
      }
    } while (this.again);
  }

  private positions(): Record<string, { seq: number; rev: number }> {
    const all = this.client.sessions.all().map((one) => [one.id, { seq: one.syncedSeq, rev: one.rev }] as const);
    return Object.fromEntries(all);
  }

  /** Where to go on in sessions of which not everything fitted into the answer. */
  private unfinished(data: Answer): Record<string, { seq: number; rev: number }> {
    const open = Object.entries(data.sessions).filter(([, share]) => share.hasMore && !skips(share));
    return Object.fromEntries(open.map(([id, share]) => [id, share.next]));
  }

  private apply(data: Answer, from: Record<string, unknown>): void {
    for (const id of data.removed) this.client.sessions.remove(id);
    for (const [id, share] of Object.entries(data.sessions)) {
      const session = this.client.sessions.take(share.session);
      const { rev } = session;
      const skipped = skips(share);
      const fresh = skipped ? session.skipTo(share) : session.applySync(share);
      if (session.rev < rev) this.again = true;
      for (const message of fresh) {
        if (message.sender === this.client.me && message.clientMsgId) this.client.outbox.arrived(message.clientMsgId, message);
      }
      if (!(id in from)) void this.profiles(session).catch(() => {});
      // The first sync of a page brings nothing that is new to the person who opened it.
      if (!this.listed || session.unread === 0) continue;
      const readSeq = session.membership?.readSeq ?? 0;
      const missed = fresh.filter((message) => message.seq > readSeq && isUnread(message, this.client.me));
      if (missed.length > 0 || skipped) this.client.missed(session, missed);
    }
  }
}

const skips = (share: SessionSync) => share.hasMore && share.session.seq - share.next.seq > SKIP_BEYOND;
