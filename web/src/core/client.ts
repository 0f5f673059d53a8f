// The chat's core: one signed-in person's connection, sessions, people, outbox and drafts, without any DOM. It takes what
// the service tells, applies it, and closes gaps by `chat:sync`.
import { type Api, ApiError, type User } from "./api";
import { type Clock, systemClock } from "./clock";
import { Connection } from "./connection";
import { Drafts } from "./drafts";
import { History } from "./history";
import { Inlet } from "./inlet";
import { Outbox, type OutboxDuties } from "./outbox";
import type { OutboxEntry } from "./outbox-entry";
import { People } from "./people";
import { Reading } from "./reading";
import { SessionList } from "./session-list";
import type { SessionStore } from "./session-store";
import type { Storage } from "./storage";
import { Syncer } from "./syncer";
import type { Link, Transport } from "./transport";
import type { Message, Presence } from "./wire";

export interface ClientOptions {
  api: Api;
  user: User;
  transport: Transport;
  storage: Promise<Storage>;
  clock?: Clock;
  newId?: () => string;
  /** The service no longer takes the token. */
  onSignedOut?: (code: string) => void;
}

const SEND_WITHIN_MS = 10_000;
const TYPING_EVERY_MS = 3_000;

/** Hears of each message of somebody else that comes in live. */
export type Heard = (message: Message, session: SessionStore) => void;

export class ChatClient {
  readonly api: Api;
  readonly me: string;
  readonly people = new People();
  readonly sessions: SessionList;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly connection: Connection;
  readonly history: History;
  readonly reading: Reading;
  readonly syncer: Syncer;
  private readonly clock: Clock;
  private readonly inlet: Inlet;
  private readonly hearers = new Set<Heard>();
  private readonly stored: Promise<Storage>;
  private presence: Presence = "online";
  private readonly typedAt = new Map<string, number>();
  private stopped = false;

  constructor(private readonly options: ClientOptions) {
    this.api = options.api;
    this.me = options.user._id;
    this.clock = options.clock ?? systemClock;
    this.stored = options.storage;
    this.sessions = new SessionList(this.me);
    this.people.learn([options.user]);
    this.drafts = new Drafts(this.stored, this.clock);
    const duties: OutboxDuties = {
      send: (entry) => this.send(entry),
      newId: options.newId ?? (() => crypto.randomUUID()),
    };
    this.outbox = new Outbox(this.stored, this.clock, duties);
    this.syncer = new Syncer(this, this.clock);
    this.history = new History(this.api, () => this.syncer.request());
    this.reading = new Reading(this.clock, (sessionId, seq) => this.tellRead(sessionId, seq));
    this.inlet = new Inlet(this, this.clock, (message, session) => {
      for (const hear of this.hearers) hear(message, session);
    });
    this.connection = new Connection(options.transport, this.clock, {
      sync: (link) => this.begin(link),
      event: (name, payload) => this.inlet.take(name, payload),
    });
    this.connection.subscribe(() => this.follow());
  }

  /** Loads what was stored and connects. */
  start(): void {
    void this.outbox.load().catch(() => {});
    void this.drafts.load().catch(() => {});
    this.connection.dispatch({ type: "start" });
  }

  /** Disconnects; what is stored stays. */
  stop(): void {
    this.stopped = true;
    this.connection.dispatch({ type: "stop" });
    this.outbox.setOpen(false);
    this.reading.setOpen(false);
    void this.drafts
      .flush()
      .then(() => this.outbox.settled())
      .then(async () => (await this.stored).close())
      .catch(() => {});
  }

  hear(hearer: Heard): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  /** How present this device is; told again after each reconnection. */
  setPresence(presence: Presence): void {
    if (this.presence === presence) return;
    this.presence = presence;
    this.connection.link?.tell("user:status:update", presence);
  }

  /** The person types (or no longer does) in a session; told once in three seconds at most. */
  typing(sessionId: string, types: boolean): void {
    const last = this.typedAt.get(sessionId) ?? 0;
    if (types && this.clock.now() - last < TYPING_EVERY_MS) return;
    if (!types && !this.typedAt.delete(sessionId)) return;
    if (types) this.typedAt.set(sessionId, this.clock.now());
    if (!this.connection.live) return;
    this.connection.link?.tell(types ? "typing:start" : "typing:stop", { sessionId, userId: this.me });
  }

  /** Opens (or finds) the private session with somebody. Throws an {@link ApiError}. */
  async openPrivate(userId: string): Promise<SessionStore> {
    const known = this.sessions.withPerson(userId);
    if (known) return known;
    const body = { userId1: this.me, userId2: userId };
    return this.syncer.takeListed(await this.api.call("POST", "/api/chat/sessions/private", { body }));
  }

  private async begin(link: Link): Promise<void> {
    void link.ask("user:join", { id: this.me }, SEND_WITHIN_MS).catch(() => {});
    if (this.presence !== "online") link.tell("user:status:update", this.presence);
    void link
      .ask("users:online", null, SEND_WITHIN_MS)
      .then((present) => this.people.present(present))
      .catch(() => {});
    await this.syncer.bringUpToDate(link);
  }

  /** Everything that depends on being connected follows the state at once, not with the next frame. */
  private follow(): void {
    const { state } = this.connection;
    if (state.name === "signedOut" && !this.stopped) this.options.onSignedOut?.(state.code);
    this.outbox.setOpen(state.name === "live");
    this.reading.setOpen(state.name === "live");
  }

  private async send(entry: OutboxEntry): Promise<void> {
    const { link } = this.connection;
    if (!link || !this.connection.live) throw new ApiError("NETWORK", "network", 0);
    const { clientMsgId, sessionId, body } = entry;
    const payload = { ...body, sessionId, senderId: this.me, clientMsgId };
    try {
      const { data } = await link.ask("message:send", payload, SEND_WITHIN_MS);
      this.inlet.sent(data);
    } catch (problem) {
      // No answer: whether it arrived nobody knows. A new link, a sync and the same key will tell.
      if (problem instanceof ApiError && problem.code === "NETWORK") this.connection.giveUp(link);
      throw problem;
    }
  }

  private async tellRead(sessionId: string, seq: number): Promise<void> {
    const { link } = this.connection;
    if (!link) throw new ApiError("NETWORK", "network", 0);
    await link.ask("session:read", { sessionId, seq }, SEND_WITHIN_MS);
    const readAt = new Date(this.clock.now()).toISOString();
    this.sessions.get(sessionId)?.applyRead({ userId: this.me, seq, readAt });
  }
}
