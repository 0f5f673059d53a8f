// One session as this device knows it. Messages lie by `seq`, with holes where nothing was loaded; `head` is the newest
// `seq` there is and `rev` the last change up to which everything loaded is right. The rule that tests hold it to: old
// state + events = a fresh fetch.
import type { SessionInfo, SessionListed } from "./api";
import { Observable } from "./observable";
import { Timeline } from "./timeline";
import type { Member, Message, Position, ServerEvents, SessionDocument, SessionSync } from "./wire";

export type Membership = Omit<Position, "readAt"> & { readAt: string | null };

/** A session's change; `gap` says that something before it is missing and a sync is needed. */
export type Applied = "new" | "known" | "gap";

type Changed = ServerEvents["session:updated"];
type Stub = { sessionId: string; seq: number; rev: number };

/** What a list says of the newest message beside its text. */
export interface Summary {
  sender: string;
  kind: string;
  system?: Message["system"] | null;
  subjects?: string[] | null;
  isDeleted?: boolean;
}

export class SessionStore extends Observable {
  readonly timeline = new Timeline();
  memberships = new Map<string, Membership>();
  unread = 0;
  /** The newest message's text as the list told it, until that message itself is here. */
  preview = "";
  /** Of what kind that message is, and whose, as the list told it. */
  summary: Summary | null = null;
  /** Messages of others that mention this person and are not known to be read. */
  private readonly mentions = new Set<number>();
  /** Who types, and until when (ms since the epoch). */
  typing = new Map<string, number>();
  /** False until the members' positions are known. */
  positioned = false;
  /** Every message up to here was told or listed; `chat:sync` asks from here. */
  syncedSeq: number;
  private readonly aheadRevs = new Set<number>();
  private readonly aheadSeqs = new Set<number>();

  constructor(
    public document: SessionDocument,
    private readonly me: string,
  ) {
    super();
    this.timeline.head = document.seq;
    this.syncedSeq = document.seq;
    this.rev = document.rev;
    this.unread = document.unreadCount[me] ?? 0;
  }

  rev: number;

  get id(): string {
    return this.document._id;
  }

  get head(): number {
    return this.timeline.head;
  }

  get group(): boolean {
    return this.document.sessionType === "group";
  }

  /** The other person of a private session; oneself in a session with nobody else. */
  get other(): string {
    return this.document.participants.find((id) => id !== this.me) ?? this.me;
  }

  get membership(): Membership | undefined {
    return this.memberships.get(this.me);
  }

  get muted(): boolean {
    return this.membership?.muted ?? false;
  }

  /** Unread messages in which this person is mentioned, as far as they are known. */
  get mentioned(): number {
    if (this.unread === 0) return 0;
    const read = this.membership?.readSeq ?? 0;
    let count = 0;
    for (const seq of this.mentions) if (seq > read) count += 1;
    return Math.min(count, this.unread);
  }

  /** A message in which this person is mentioned is there, though it may not be loaded. */
  noteMention(seq: number): void {
    if (this.mentions.has(seq) || seq <= (this.membership?.readSeq ?? 0)) return;
    this.mentions.add(seq);
    this.changed();
  }

  get newest(): Message | undefined {
    return this.timeline.get(this.head);
  }

  /** What the service's list says about it. Newer knowledge is not overwritten. */
  applyListed(listed: SessionListed): void {
    this.preview = listed.lastMessagePreview;
    this.summary = (listed as { lastMessageSummary?: Summary | null }).lastMessageSummary ?? null;
    this.unread = listed.unread;
    if (!this.memberships.has(this.me))
      this.memberships.set(this.me, { ...UNKNOWN_MEMBERSHIP, role: listed.role as Membership["role"], muted: listed.muted });
    this.changed();
  }

  applyInfo(info: SessionInfo): void {
    this.applyMembers(info.members as Member[]);
  }

  applyMembers(members: readonly Member[]): void {
    for (const member of members) this.setMembership(member);
    this.changed();
  }

  /** A message that was just committed. */
  applyMessage(message: Message): Applied {
    const { timeline } = this;
    if (message.seq <= timeline.hiddenSeq) return "known";
    const fresh = message.seq > this.syncedSeq && !this.aheadSeqs.has(message.seq);
    timeline.put(message);
    this.learnMention(message);
    this.aheadSeqs.add(message.seq);
    this.settle();
    const gap = this.syncedSeq < message.seq;
    if (message.seq > timeline.head) {
      timeline.head = message.seq;
      this.forgetPreview();
      this.document = {
        ...this.document,
        lastMessage: message._id,
        lastMessageTime: message.createdAt,
        seq: message.seq,
      };
    }
    this.typing.delete(message.sender);
    this.changed();
    return gap ? "gap" : fresh ? "new" : "known";
  }

  /** A page of the history that was asked for when `rev` was `asked`. `gap`: something changed meanwhile. */
  applyPage(messages: readonly Message[], asked: number): Applied {
    for (const message of messages) {
      this.timeline.put(message);
      this.learnMention(message);
      if (message.seq > this.timeline.head) this.timeline.head = message.seq;
    }
    this.changed();
    if (this.rev <= asked) return "known";
    // A change may have been told before the page came, for messages that were not here to take it.
    this.rev = asked;
    return "gap";
  }

  applyTombstone(told: ServerEvents["message:deleted"]): Applied {
    return this.change(told, (message) => ({
      ...message,
      isDeleted: true,
      content: "",
      fileUrl: "",
      fileName: "",
      fileSize: 0,
      mentions: undefined,
      reactions: undefined,
      merged: undefined,
      forwardedFrom: undefined,
      replyTo: undefined,
      replyToSeq: undefined,
      replyToAsOf: undefined,
      recalledAt: told.recalledAt,
      deletedBy: told.recalledAt ? undefined : told.userId,
      updatedAt: told.deletedAt,
      rev: told.rev,
    }));
  }

  applyUpdated(told: ServerEvents["message:updated"]): Applied {
    return this.change(told, (message) => ({
      ...message,
      content: told.content,
      mentions: told.mentions.length ? told.mentions : undefined,
      editedAt: told.editedAt,
      updatedAt: told.updatedAt,
      rev: told.rev,
    }));
  }

  applyReaction(told: ServerEvents["message:reaction"]): Applied {
    return this.change(told, (message) => ({
      ...message,
      reactions: told.reactions.length ? told.reactions : undefined,
      updatedAt: told.updatedAt,
      rev: told.rev,
    }));
  }

  /** How far one of our messages has come. Receipts have no `rev`; they only ever grow. */
  applyStatus(told: ServerEvents["message:status"]): void {
    this.timeline.change(told.messageId, (message) => ({
      ...message,
      status: message.status === "read" ? "read" : told.status,
      deliveredCount: Math.max(message.deliveredCount, told.deliveredCount ?? 1),
      readCount: Math.max(message.readCount, told.readCount ?? (told.status === "read" ? 1 : 0)),
    }));
    this.changed();
  }

  /** Applies the read position of a member; it only moves forward. */
  applyRead(told: Pick<ServerEvents["message:read"], "userId" | "seq" | "readAt">): void {
    const membership = this.memberships.get(told.userId);
    if (!membership || membership.readSeq >= told.seq) return;
    this.memberships.set(told.userId, {
      ...membership,
      readSeq: told.seq,
      readAt: told.readAt,
      deliveredSeq: Math.max(membership.deliveredSeq, told.seq),
    });
    this.changed();
  }

  /** The group or who is in it has changed. `gap`: an earlier change is missing. */
  applySessionUpdated(told: Changed): Applied {
    const ahead = this.step(told.rev);
    const left = new Set(told.left);
    const joined = told.joined.map((member) => member.userId);
    const stayed = this.document.participants.filter((id) => !left.has(id) && !joined.includes(id));
    this.document = {
      ...this.document,
      ...told.session,
      participants: [...stayed, ...joined],
      rev: Math.max(this.document.rev, told.rev),
      updatedAt: told.at,
    };
    for (const id of left) this.memberships.delete(id);
    for (const member of [...told.joined, ...told.changed]) this.setMembership(member);
    if (told.session.historyVisible && this.timeline.hiddenSeq > 0) this.timeline.hide(0);
    this.changed();
    return ahead;
  }

  /** This session's share of a `chat:sync`; the answer is the messages that were not known. `rev` may be lower afterwards. */
  applySync(share: SessionSync): Message[] {
    const { timeline } = this;
    if (share.hiddenSeq !== timeline.hiddenSeq) timeline.hide(share.hiddenSeq);
    const fresh = share.messages.filter((message) => !timeline.get(message.seq));
    for (const message of [...share.messages, ...share.changed]) this.learnMention(message);
    for (const message of share.messages) timeline.put(message);
    for (const message of share.changed) if (timeline.get(message.seq)) timeline.put(message);
    timeline.head = Math.max(timeline.head, share.session.seq);
    // A change may have been told after this was read and before it came, for messages that were not here to take it.
    if (fresh.length > 0) this.rev = share.next.rev;
    else this.rev = Math.max(this.rev, share.next.rev);
    this.syncedSeq = Math.max(this.syncedSeq, share.next.seq);
    this.settle();
    this.document = share.session;
    this.unread = share.session.unreadCount[this.me] ?? 0;
    this.memberships = new Map(Object.entries(share.positions));
    this.positioned = true;
    if (timeline.head > 0 && timeline.get(timeline.head)) this.forgetPreview();
    this.changed();
    return fresh;
  }

  /** Too much was missed to fetch it all: forget what is loaded, and let what is looked at be loaded anew. */
  skipTo(share: SessionSync): Message[] {
    this.timeline.forgetAll();
    const { seq, rev } = share.session;
    this.timeline.head = seq;
    return this.applySync({ ...share, messages: [], changed: [], next: { seq, rev } });
  }

  setUnread(count: number): void {
    if (this.unread === count) return;
    this.unread = count;
    this.changed();
  }

  setTyping(userId: string, until: number | null): void {
    if (until === null) {
      if (!this.typing.delete(userId)) return;
    } else this.typing.set(userId, until);
    this.typing = new Map(this.typing);
    this.changed();
  }

  /** Something beside the messages (a page that failed, a loading mark) is to be drawn anew. */
  touch(): void {
    this.changed();
  }

  private change(told: Stub & { messageId: string }, how: (message: Message) => Message): Applied {
    const known = this.timeline.find(told.messageId);
    if (known && known.rev < told.rev) this.timeline.change(told.messageId, how);
    const applied = this.step(told.rev);
    const changed = this.timeline.find(told.messageId);
    if (changed) this.learnMention(changed);
    if (told.seq === this.head && !this.timeline.get(this.head)) this.forgetPreview();
    this.changed();
    return applied;
  }

  private forgetPreview(): void {
    this.preview = "";
    this.summary = null;
  }

  private learnMention({ seq, sender, mentions, isDeleted }: Message): void {
    const meant = mentions === "all" || (Array.isArray(mentions) && mentions.includes(this.me));
    if (meant && !isDeleted && sender !== this.me) this.mentions.add(seq);
    else this.mentions.delete(seq);
  }

  private step(rev: number): Applied {
    if (rev <= this.rev) return "known";
    this.aheadRevs.add(rev);
    this.settle();
    return this.rev >= rev ? "new" : "gap";
  }

  /** Moves the watermarks over what had come ahead of them. */
  private settle(): void {
    this.rev = settled(this.rev, this.aheadRevs);
    this.syncedSeq = settled(this.syncedSeq, this.aheadSeqs);
  }

  private setMembership(member: Member): void {
    const { userId, ...rest } = member;
    const before = this.memberships.get(userId) ?? UNKNOWN_MEMBERSHIP;
    this.memberships.set(userId, { ...before, ...rest, readSeq: Math.max(before.readSeq, rest.readSeq) });
  }
}

const UNKNOWN_MEMBERSHIP: Membership = {
  readSeq: 0,
  readAt: null,
  deliveredSeq: 0,
  role: "member",
  muted: false,
  silenced: false,
  joinedAt: "1970-01-01T00:00:00.000Z",
};

function settled(mark: number, ahead: Set<number>): number {
  let up = mark;
  while (ahead.delete(up + 1)) up += 1;
  for (const one of ahead) if (one <= up) ahead.delete(one);
  return up;
}
