// The chat's core: one signed-in person's connection, sessions, people, outbox and drafts, without any DOM. It takes what
// the service tells, applies it, and closes gaps by `chat:sync`.
import { type Api, ApiError, type User } from "./api";
import { type AttachmentOptions, AttachmentStore } from "./attachments";
import { type Clock, serviceClock } from "./clock";
import { Connection } from "./connection";
import { Drafts } from "./drafts";
import { History } from "./history";
import { newId } from "./ids";
import { Notices, type Warning } from "./notices";
import { Inlet } from "./inlet";
import { Outbox, type OutboxDuties } from "./outbox";
import type { Change, OutboxEntry, Outgoing, OutgoingFile } from "./outbox-entry";
import { People } from "./people";
import { plannedPerson } from "./planned";
import { Reading } from "./reading";
import { SessionList } from "./session-list";
import type { SessionStore } from "./session-store";
import type { Storage } from "./storage";
import { Syncer } from "./syncer";
import type { Tabs } from "./tabs";
import type { Link, Transport } from "./transport";
import type { UploadedFile } from "./uploader";
import type { Message, Presence } from "./wire";

export interface ClientOptions {
  api: Api;
  user: User;
  transport: Transport;
  storage: Promise<Storage>;
  clock?: Clock;
  newId?: () => string;
  /** What the platform does for attached files. */
  attachments?: AttachmentOptions;
  /** The person's other tabs. */
  tabs?: Tabs;
  /** Hears that a planned conversation was made: what was kept under its id is under the other one. */
  onPlaced?: (planned: string, made: string) => void;
  /** The service no longer takes the token. */
  onSignedOut?: (code: string) => void;
}

const SEND_WITHIN_MS = 10_000;
const TYPING_EVERY_MS = 3_000;
const LATE_MS = 500;
/** Profiles may be on their way. */
const STRANGERS_AFTER_MS = 1_000;
const DIRECTORY_PAGES = 20;

/** Receives each live message of another user. */
export type Heard = (message: Message, session: SessionStore) => void;

/** Hears of a session in which others wrote while there was no connection; of too many messages none are given. */
export type Missed = (session: SessionStore, messages: readonly Message[]) => void;

export class ChatClient {
  readonly api: Api;
  readonly me: string;
  readonly people = new People();
  readonly sessions: SessionList;
  readonly outbox: Outbox;
  readonly drafts: Drafts;
  readonly attachments: AttachmentStore;
  readonly notices = new Notices();
  readonly connection: Connection;
  readonly history: History;
  readonly reading: Reading;
  readonly syncer: Syncer;
  private readonly clock: Clock;
  private readonly inlet: Inlet;
  private readonly hearers = new Set<Heard>();
  private readonly missedHearers = new Set<Missed>();
  private readonly stored: Promise<Storage>;
  private presence: Presence = "online";
  private readonly typedAt = new Map<string, number>();
  private stopped = false;
  /** For whom the directory was searched in vain. */
  private readonly sought = new Set<string>();
  private looking = false;
  /** Files that were uploaded anew, because the service no longer had them. */
  private readonly uploadedAgain = new Set<string>();

  constructor(private readonly options: ClientOptions) {
    this.api = options.api;
    this.me = options.user._id;
    this.clock = options.clock ?? serviceClock;
    this.stored = options.storage;
    const placed = (planned: string, made: string) => {
      this.drafts.move(planned, made);
      this.outbox.move(planned, made);
      this.attachments.move(planned, made);
      options.onPlaced?.(planned, made);
    };
    this.sessions = new SessionList(this.me, placed, () => this.clock.now());
    this.people.learn([options.user]);
    this.people.onWanted = () => this.lookForStrangers();
    this.drafts = new Drafts(this.stored, this.clock, options.tabs);
    this.attachments = new AttachmentStore(this.api, this.stored, this.clock, {
      ...options.attachments,
      tabs: options.tabs,
    });
    const duties: OutboxDuties = {
      send: (entry) => this.send(entry),
      newId: options.newId ?? newId,
      done: (entry) => entry.file && this.attachments.done(entry.file.id),
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
    void this.load().catch(() => {});
    this.connection.dispatch({ type: "start" });
  }

  /** Disconnects; what is stored stays. */
  stop(): void {
    this.stopped = true;
    this.connection.dispatch({ type: "stop" });
    this.outbox.setOpen(false);
    this.reading.setOpen(false);
    this.attachments.setOpen(false);
    this.attachments.close();
    void this.drafts
      .flush()
      .then(() => this.outbox.settled())
      .then(() => this.attachments.settled())
      // What is recorded just now is handed over a moment after its composer went.
      .then(() => new Promise<void>((later) => this.clock.after(LATE_MS, later)))
      .then(() => this.attachments.settled())
      .then(async () => (await this.stored).close())
      .catch(() => {})
      .finally(() => this.options.tabs?.close());
  }

  /** A change to what is there already: made now, or when there is a connection. */
  change(sessionId: string, change: Change): void {
    this.outbox.change(sessionId, change);
  }

  /**
   * A change that the user waits for: made at once where possible. Otherwise, or behind others that wait, it is queued.
   * Throws an {@link ApiError} when it is refused.
   */
  async tryChange(sessionId: string, change: Change): Promise<"done" | "waits"> {
    if (this.connection.live && this.outbox.changesOf(sessionId).length === 0) {
      try {
        await this.make(sessionId, change);
        return "done";
      } catch (problem) {
        if (!(problem instanceof ApiError) || problem.code !== "NETWORK") throw problem;
      }
    }
    this.change(sessionId, change);
    return "waits";
  }

  private async load(): Promise<void> {
    await Promise.all([this.outbox.load(), this.drafts.load()]);
    await this.attachments.load((id) => this.outbox.waits(id));
    this.takeUpPlans();
  }

  hear(hearer: Heard): () => void {
    this.hearers.add(hearer);
    return () => this.hearers.delete(hearer);
  }

  hearMissed(hearer: Missed): () => void {
    this.missedHearers.add(hearer);
    return () => this.missedHearers.delete(hearer);
  }

  /** A sync brought what others wrote in a session. */
  missed(session: SessionStore, messages: readonly Message[]): void {
    for (const hear of this.missedHearers) hear(session, messages);
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
    if (!this.connection.live || plannedPerson(sessionId) !== null) return;
    this.connection.link?.tell(types ? "typing:start" : "typing:stop", { sessionId, userId: this.me });
  }

  /** The private conversation with a user: the existing one, or one that its first message creates. */
  conversationWith(userId: string): SessionStore {
    return this.sessions.withPerson(userId) ?? this.sessions.plan(userId);
  }

  /**
   * What lists show, newest activity first: not the private ones in which nothing was said, unless something of this
   * person's waits there.
   */
  listed(): SessionStore[] {
    const kept = new Set([...this.drafts.ids(), ...this.attachments.ids(), ...this.outbox.ids()]);
    const planned = this.sessions.planned().filter((one) => kept.has(one.id));
    const made = this.sessions.all().filter((one) => one.group || one.head > 0 || kept.has(one.id));
    return planned.length ? [...planned, ...made] : made;
  }

  /** Creates (or finds) the private session with a user. Throws an {@link ApiError}. */
  async openPrivate(userId: string): Promise<SessionStore> {
    const known = this.sessions.withPerson(userId);
    if (known) return known;
    const body = { userId1: this.me, userId2: userId };
    return this.syncer.takeListed(await this.api.call("POST", "/api/chat/sessions/private", { body }));
  }

  /** What an earlier page kept for conversations that were not made. */
  private takeUpPlans(): void {
    for (const id of new Set([...this.drafts.ids(), ...this.attachments.ids(), ...this.outbox.ids()])) {
      const userId = plannedPerson(id);
      if (userId === null) continue;
      if (this.sessions.withPerson(userId)) this.sessions.place(userId);
      else this.sessions.plan(userId);
    }
    this.sessions.touch();
  }

  private async begin(link: Link): Promise<void> {
    void link.ask("user:join", { id: this.me }, SEND_WITHIN_MS).catch(() => {});
    if (this.presence !== "online") link.tell("user:status:update", this.presence);
    void link
      .ask("users:online", null, SEND_WITHIN_MS)
      .then((present) => this.people.present(present))
      .catch(() => {});
    await this.syncer.bringUpToDate(link);
    void this.learnMentions().catch(() => {});
    void this.learnStrangers().catch(() => {});
  }

  private lookForStrangers(): void {
    if (this.looking) return;
    this.looking = true;
    this.clock.after(STRANGERS_AFTER_MS, () => {
      this.looking = false;
      // The next connection begins with it.
      if (this.connection.live) void this.learnStrangers().catch(() => {});
    });
  }

  /** Whose names are wanted, and with whom conversations are planned when a reload left only their ids: the directory knows. */
  private async learnStrangers(): Promise<void> {
    for (const one of this.sessions.planned()) this.people.want(one.other);
    const open = () => this.people.strangers().some((id) => !this.sought.has(id));
    for (let page = 1; page <= DIRECTORY_PAGES && open(); page++) {
      const query = { page, limit: 1_000 };
      const answer = await this.api.page<User[]>("GET", "/api/chat/users", { query });
      this.people.learn(answer.data);
      this.sessions.touch();
      if (!answer.pagination?.hasMore) break;
    }
    // Whom the directory does not have it will not have a moment later.
    for (const id of this.people.strangers()) this.sought.add(id);
  }

  /** Which unread messages mention this person: before they are loaded only a search tells. */
  private async learnMentions(): Promise<void> {
    if (!this.sessions.all().some((one) => one.unread > one.mentioned)) return;
    const query = { userId: this.me, mentions: "me", limit: 50 };
    const found = await this.api.call<Message[]>("GET", "/api/chat/messages/search", { query });
    for (const message of found) if (message.sender !== this.me) this.sessions.get(message.sessionId)?.noteMention(message.seq);
  }

  /** Everything that depends on being connected follows the state at once, not with the next frame. */
  private follow(): void {
    const { state } = this.connection;
    if (state.name === "signedOut" && !this.stopped) this.options.onSignedOut?.(state.code);
    this.attachments.setOpen(state.name === "live");
    this.outbox.setOpen(state.name === "live");
    this.reading.setOpen(state.name === "live");
  }

  private async send(entry: OutboxEntry): Promise<void> {
    const { link } = this.connection;
    if (!link || !this.connection.live) throw new ApiError("NETWORK", "network", 0);
    if (entry.change) return this.make(entry.sessionId, entry.change);
    const { clientMsgId, file } = entry;
    const userId = plannedPerson(entry.sessionId);
    const sessionId = userId === null ? entry.sessionId : (await this.openPrivate(userId)).id;
    const body = file ? { ...entry.body, ...fileOf(await this.attachments.upload(file.id), file) } : entry.body;
    const payload = { ...body, sessionId, senderId: this.me, clientMsgId };
    try {
      const answer = await link.ask("message:send", payload, SEND_WITHIN_MS);
      this.inlet.sent(answer.data);
      this.take(sessionId, (answer as { warnings?: Warning[] }).warnings);
    } catch (problem) {
      if (!(problem instanceof ApiError)) throw problem;
      // No answer: whether it arrived nobody knows. A new link, a sync and the same key will tell.
      if (problem.code === "NETWORK") this.connection.giveUp(link);
      this.learnFrom(problem);
      if (problem.code === "NOT_FOUND" && file && !this.uploadedAgain.has(file.id)) {
        // It waited so long that the service gave it up. It is still here.
        this.uploadedAgain.add(file.id);
        this.attachments.again(file.id);
        throw new ApiError("UNAVAILABLE", problem.message, 503);
      }
      throw problem;
    }
  }

  private async make(sessionId: string, { what, method, path, body: given }: Change): Promise<void> {
    try {
      const body = what === "forward" ? await this.placedForward(given as { toSessionIds: string[] }) : given;
      const response = await this.api.raw(method, path, { body });
      const answer = (await response.json().catch(() => ({}))) as { warnings?: Warning[] };
      this.take(sessionId, answer.warnings);
    } catch (problem) {
      if (problem instanceof ApiError) this.learnFrom(problem);
      throw problem;
    }
  }

  /** With whom there is no conversation yet, one is made: now, not when they were chosen. */
  private async placedForward(body: { toSessionIds: string[] }): Promise<unknown> {
    const place = async (id: string) => {
      const userId = plannedPerson(id);
      return userId === null ? id : (await this.openPrivate(userId)).id;
    };
    return { ...body, toSessionIds: await Promise.all(body.toSessionIds.map(place)) };
  }

  /** What the service said beside doing it: also who reads nothing any more. */
  private take(sessionId: string, warnings: readonly Warning[] | undefined): void {
    this.notices.take(sessionId, warnings);
    for (const { code, userIds } of warnings ?? []) if (code === "MENTION_INACTIVE" && userIds) this.people.setInactive(userIds);
  }

  /** A refusal may say more than no. */
  private learnFrom({ details }: ApiError): void {
    if (details.reason === "recipientInactive" && Array.isArray(details.userIds))
      this.people.setInactive(details.userIds.map(String));
  }

  private async tellRead(sessionId: string, seq: number): Promise<void> {
    const { link } = this.connection;
    if (!link) throw new ApiError("NETWORK", "network", 0);
    await link.ask("session:read", { sessionId, seq }, SEND_WITHIN_MS);
    const readAt = new Date(this.clock.now()).toISOString();
    this.sessions.get(sessionId)?.applyRead({ userId: this.me, seq, readAt });
  }
}

function fileOf(uploaded: UploadedFile, { kind }: OutgoingFile): Outgoing {
  const { fileUrl, fileName, fileSize, mimeType } = uploaded;
  // The service looked into the file: what it does not take for a picture is a file.
  const image = kind === "image" && mimeType.startsWith("image/");
  return { messageType: kind === "voice" ? "voice" : image ? "image" : "file", fileUrl, fileName, fileSize };
}
