// Made by `npm run types` from schemas/. Do not edit.

export type Id = string;
/**
 * As a client writes it; upper-case digits are taken too.
 */
export type GivenId = string;
/**
 * RFC 3339, UTC, with milliseconds.
 */
export type Time = string;
export type Count = number;
export type UserStatusUpdate =
  | StatusName
  | {
      status: StatusName;
    };
export type StatusName = "online" | "away" | "offline";
/**
 * Members' ids, or `all`.
 */
export type MentionsGiven = "all" | GivenId[] | null;
export type UnreadCountAsked =
  | GivenId
  | {
      userId: GivenId;
    }
  | null;
export type ChatSyncAsked = {
  sessions?: {
    [k: string]:
      | Count
      | {
          seq?: Count;
          rev?: Count;
        };
  } | null;
} | null;
/**
 * Nobody in it is offline.
 */
export type UsersOnline = User[];
/**
 * Members' ids, or `all`.
 */
export type Mentions = "all" | Id[];
export type Reactions = {
  emoji: string;
  users: Id[];
}[];
/**
 * What the author should know although it was done; absent when nothing. MENTION_INACTIVE: these people are not active any more and are not mentioned. NO_ACTIVE_RECIPIENT: nobody else in the group is active.
 */
export type Warnings = {
  code: "MENTION_INACTIVE" | "NO_ACTIVE_RECIPIENT";
  userIds?: Id[];
}[];
/**
 * Stable; clients match on it.
 */
export type Code =
  | "AUTH_FAILED"
  | "TOKEN_EXPIRED"
  | "FORBIDDEN"
  | "NOT_FOUND"
  | "INVALID_MESSAGE"
  | "VALIDATION_FAILED"
  | "CONVERSATION_NOT_FOUND"
  | "MESSAGE_TOO_LARGE"
  | "RATE_LIMITED"
  | "CONFLICT"
  | "WINDOW_CLOSED"
  | "FILE_REJECTED"
  | "INTERNAL";

export interface EveryPayload {
  Id: Id;
  GivenId: GivenId;
  Time: Time;
  Count: Count;
  Anything: Anything;
  UserJoin: UserJoin;
  UserStatusUpdate: UserStatusUpdate;
  MessageSend: MessageSend;
  MessageRead: MessageRead;
  MessageEdit: MessageEdit;
  MentionsGiven: MentionsGiven;
  MessageNamed: MessageNamed;
  MessageReact: MessageReact;
  MessageForward: MessageForward;
  SessionRead: SessionRead;
  UnreadCountAsked: UnreadCountAsked;
  ChatHistoryAsked: ChatHistoryAsked;
  ChatSyncAsked: ChatSyncAsked;
  Typing: Typing;
  StatusName: StatusName;
  User: User;
  UserJoined: UserJoined;
  UserStatus: UserStatus;
  UsersOnline: UsersOnline;
  Message: Message;
  Mentions: Mentions;
  Reactions: Reactions;
  MessageUpdated: MessageUpdated;
  ReactionsNow: ReactionsNow;
  MessageEvent: MessageEvent;
  MessageStatus: MessageStatus;
  MessageReadTold: MessageReadTold;
  MessageReadSuccess: MessageReadSuccess;
  Tombstone: Tombstone;
  Session: Session;
  Member: Member;
  SessionCreated: SessionCreated;
  SessionUpdated: SessionUpdated;
  SessionRemoved: SessionRemoved;
  Unread: Unread;
  UnreadCount: UnreadCount;
  Pagination: Pagination;
  ChatHistory: ChatHistory;
  Position: Position;
  SessionSync: SessionSync;
  ChatSync: ChatSync;
  TypingTold: TypingTold;
  UserAcknowledgement: UserAcknowledgement;
  UserStatusAcknowledgement: UserStatusAcknowledgement;
  Warnings: Warnings;
  MessageAcknowledgement: MessageAcknowledgement;
  TombstoneAcknowledgement: TombstoneAcknowledgement;
  ReactionAcknowledgement: ReactionAcknowledgement;
  ForwardAcknowledgement: ForwardAcknowledgement;
  ReadAcknowledgement: ReadAcknowledgement;
  EmptyAcknowledgement: EmptyAcknowledgement;
  Code: Code;
  Details: Details;
  Failure: Failure;
  ErrorEvent: ErrorEvent;
}
/**
 * Not read; most clients send nothing.
 */
export interface Anything {
  [k: string]: unknown;
}
export interface UserJoin {
  id: GivenId;
}
export interface MessageSend {
  sessionId: GivenId;
  senderId: GivenId;
  /**
   * The other participant of a private session; empty is as absent.
   */
  receiverId?: string | null;
  content?: string | null;
  /**
   * Absent or empty means `text`.
   */
  messageType?: "text" | "image" | "file" | "voice" | "" | null;
  /**
   * The address of an uploaded file (`POST /api/chat/files`) that the sender may fetch: their own, or one of a message they
   * may read. Any other is `NOT_FOUND`.
   *
   */
  fileUrl?: string | null;
  fileName?: string | null;
  /**
   * Bytes. Whatever is said, the message carries the file's true size.
   */
  fileSize?: number | null;
  /**
   * Chosen by the sender.
   */
  clientMsgId?: string | null;
  /**
   * The message of the same session that this one answers; empty is as absent.
   */
  replyTo?: string | null;
  /**
   * Since when that message says what the sender sees: its `editedAt`, or its `createdAt`. Readers are then told when it was
   * edited before the answer arrived.
   *
   */
  replyToAsOf?: string | null;
  mentions?: MentionsGiven;
}
export interface MessageRead {
  messageId: GivenId;
  userId: GivenId;
}
export interface MessageEdit {
  messageId: GivenId;
  content: string;
  mentions?: MentionsGiven;
}
export interface MessageNamed {
  messageId: GivenId;
  /**
   * The token's own user.
   */
  userId?: string | null;
}
export interface MessageReact {
  messageId: GivenId;
  /**
   * Exactly one emoji.
   */
  emoji: string;
  /**
   * Removes the reaction.
   */
  remove?: boolean | null;
}
export interface MessageForward {
  messageIds: GivenId[];
  toSessionIds: GivenId[];
  mode?: "each" | "merged" | null;
  clientMsgId?: string | null;
}
export interface SessionRead {
  sessionId: GivenId;
  seq: Count;
}
export interface ChatHistoryAsked {
  sessionId: GivenId;
  page?: number | null;
  limit?: number | null;
  beforeSeq?: number | null;
  afterSeq?: number | null;
}
export interface Typing {
  sessionId: GivenId;
  userId: GivenId;
}
export interface User {
  _id: Id;
  id: Id;
  username: string;
  realName: string;
  /**
   * Empty where the reader does not get it (DIRECTORY_CONTACTS).
   */
  email: string;
  /**
   * Empty where the reader does not get it (DIRECTORY_CONTACTS).
   */
  phone: string;
  avatar: string;
  role: "admin" | "doctor" | "nurse" | "user";
  kind: "staff" | "guest" | "customer";
  /**
   * Whether they answer at the service desk.
   */
  isAgent: boolean;
  department: string;
  title: string;
  status: StatusName;
  lastSeen: Time | null;
  isActive: boolean;
  /**
   * The user registered themselves
   */
  selfRegistered: boolean;
  /**
   * The user shows telephone number and e-mail address to everybody.
   */
  contactsShared: boolean;
  createdAt: Time;
  updatedAt: Time;
}
export interface UserJoined {
  success: true;
  user: User;
}
export interface UserStatus {
  userId: Id;
  status: StatusName;
  lastSeen: Time;
}
export interface Message {
  _id: Id;
  sessionId: Id;
  sender: Id;
  /**
   * The other participant of a private session.
   */
  receiver: string | null;
  /**
   * Empty for a deleted message.
   */
  content: string;
  messageType: "text" | "image" | "file" | "voice";
  /**
   * Empty when there is no file.
   */
  fileUrl: string;
  /**
   * Empty when there is no file.
   */
  fileName: string;
  /**
   * Bytes; 0 when there is no file.
   */
  fileSize: number;
  /**
   * Of the file, as its content says; absent without a file, and in messages of before it was written down.
   */
  mimeType?: string;
  /**
   * SHA-256 of the file; absent as `mimeType` is.
   */
  fileDigest?: string;
  /**
   * What the receipts say at this moment; a message that is new is `sent`.
   */
  status: "sent" | "delivered" | "read";
  /**
   * Earliest first, the first hundred; without the sender.
   */
  readBy: {
    user: Id;
    readAt: Time;
  }[];
  /**
   * 1, 2, 3 … within the session, in the order of the commits.
   */
  seq: number;
  /**
   * The session's `rev` at this message's last change; 0 when it was never changed.
   */
  rev: number;
  /**
   * How many have read it.
   */
  readCount: number;
  /**
   * How many have got it, those who have read it among them.
   */
  deliveredCount: number;
  /**
   * Absent when the sender gave none. That of a forwarded message is made from the request's.
   */
  clientMsgId?: string;
  /**
   * A tombstone, deleted or recalled.
   */
  isDeleted: boolean;
  deletedBy?: Id;
  recalledAt?: Time;
  editedAt?: Time;
  replyTo?: Id;
  /**
   * That message's `seq`.
   */
  replyToSeq?: number;
  replyToAsOf?: Time;
  /**
   * What became of that message since it was answered; absent while it says what it said. A client that holds that message sees it by its own `editedAt` and `isDeleted`, too.
   */
  replyToChange?: {
    kind: "edited" | "recalled" | "deleted";
    at: Time;
  };
  mentions?: Mentions;
  reactions?: Reactions;
  /**
   * The first author. The session is not named.
   */
  forwardedFrom?: {
    messageId: Id;
    sender: Id;
    createdAt: Time;
    editedAt?: Time;
  };
  /**
   * The messages that were forwarded as this one.
   */
  merged?: {
    messageId: Id;
    sender: Id;
    content: string;
    messageType: "text" | "image" | "file" | "voice";
    fileUrl: string;
    fileName: string;
    fileSize: number;
    mimeType?: string;
    createdAt: Time;
    editedAt?: Time;
  }[];
  /**
   * `merged` was left out of a page by number that would have been too heavy; by `beforeSeq` it comes whole.
   */
  mergedOmitted?: true;
  /**
   * What a group wrote about itself; unread for nobody. `content` holds the new name, topic or role, or `open` and `closed` for
   * `history`.
   *
   */
  system?:
    "joined" | "left" | "removed" | "renamed" | "topic" | "avatar" | "history" | "role" | "silenced" | "unsilenced";
  /**
   * The users whom a system message concerns.
   */
  subjects?: Id[];
  createdAt: Time;
  updatedAt: Time;
}
export interface MessageUpdated {
  messageId: Id;
  sessionId: Id;
  seq: number;
  rev: number;
  userId: Id;
  content: string;
  mentions: Mentions;
  editedAt: Time;
  updatedAt: Time;
}
export interface ReactionsNow {
  messageId: Id;
  sessionId: Id;
  seq: number;
  rev: number;
  userId: Id;
  emoji: string;
  added: boolean;
  reactions: Reactions;
  updatedAt: Time;
}
export interface MessageEvent {
  success: true;
  message: Message;
}
/**
 * In a private session with the receiver; in a group with counts, at most once a second for a message.
 */
export interface MessageStatus {
  messageId: Id;
  sessionId: Id;
  status: "delivered" | "read";
  userId?: Id;
  deliveredCount?: Count;
  readCount?: Count;
  at: Time;
}
export interface MessageReadTold {
  messageId: Id;
  sessionId: Id;
  userId: Id;
  readBy: Id;
  readAt: Time;
  seq: number;
}
export interface MessageReadSuccess {
  success: true;
  messageId: Id;
  readCount: Count;
  unreadCount: Count;
}
export interface Tombstone {
  messageId: Id;
  sessionId: Id;
  seq: number;
  /**
   * The session's `rev` after the deletion.
   */
  rev: number;
  userId: Id;
  isDeleted: true;
  recalledAt?: Time;
  deletedAt: Time;
}
export interface Session {
  _id: Id;
  participants: Id[];
  sessionType: "private" | "group";
  /**
   * Empty for a private session.
   */
  sessionName: string;
  /**
   * Absent when there is none.
   */
  avatar?: string;
  /**
   * Absent when there is none.
   */
  topic?: string;
  /**
   * Groups only: whether those who come later see what was said before.
   */
  historyVisible?: boolean;
  lastMessage: string | null;
  lastMessageTime: Time;
  /**
   * User id → unread messages; every participant is listed.
   */
  unreadCount: {
    [k: string]: Count;
  };
  seq: Count;
  rev: Count;
  createdBy?: Id;
  createdAt: Time;
  updatedAt: Time;
}
export interface Member {
  userId: Id;
  role: "owner" | "admin" | "member";
  joinedAt: Time;
  readSeq: Count;
  /**
   * Whether the member muted the session.
   */
  muted: boolean;
  /**
   * Whether the group lets the member read only.
   */
  silenced: boolean;
}
export interface SessionCreated {
  session: Session;
  members: Member[];
}
export interface SessionUpdated {
  sessionId: Id;
  rev: number;
  seq: Count;
  by: Id;
  at: Time;
  /**
   * The group's profile from now on.
   */
  session: {
    sessionName: string;
    avatar: string;
    topic: string;
    historyVisible: boolean;
  };
  /**
   * The new members.
   */
  joined: Member[];
  /**
   * The former members.
   */
  left: Id[];
  /**
   * The members whose role, `muted` or `silenced` changed.
   */
  changed: Member[];
}
export interface SessionRemoved {
  sessionId: Id;
  userId: Id;
  rev: number;
  reason: "left" | "removed";
  by: Id;
  at: Time;
}
export interface Unread {
  unreadCount: Count;
  /**
   * Session id → count; only sessions with something unread.
   */
  bySession: {
    [k: string]: number;
  };
}
export interface UnreadCount {
  success: true;
  data: Unread;
}
export interface Pagination {
  /**
   * Always 1 with `beforeSeq` and `afterSeq`.
   */
  page: number;
  limit: number;
  total: Count;
  /**
   * The same as `page`.
   */
  current: number;
  totalCount: Count;
  pages: Count;
  hasMore: boolean;
}
export interface ChatHistory {
  success: true;
  data: Message[];
  pagination: Pagination;
}
/**
 * A member's role, and their positions.
 */
export interface Position {
  readSeq: Count;
  readAt: Time | null;
  deliveredSeq: Count;
  role: "owner" | "admin" | "member";
  muted: boolean;
  silenced: boolean;
  joinedAt: Time;
}
export interface SessionSync {
  session: Session;
  /**
   * What came after the client's `seq`, oldest first.
   */
  messages: Message[];
  /**
   * Older messages that changed after the client's `rev`, as they now are, in the order of their changes.
   */
  changed: Message[];
  /**
   * User id → position, of every member.
   */
  positions: {
    [k: string]: Position;
  };
  seq: Count;
  rev: Count;
  /**
   * Where to ask from the next time; the same two numbers.
   */
  next: {
    seq: Count;
    rev: Count;
  };
  hiddenSeq: Count;
  hasMore: boolean;
}
export interface ChatSync {
  success: true;
  data: {
    /**
     * Session id → its share. Every session of the caller is listed; at most 500 messages in all.
     */
    sessions: {
      [k: string]: SessionSync;
    };
    /**
     * Sessions that the client named and the caller is no member of.
     */
    removed: Id[];
    hasMore: boolean;
  };
}
export interface TypingTold {
  sessionId: Id;
  userId: Id;
  /**
   * Whether it is `typing:start`.
   */
  isTyping: boolean;
}
export interface UserAcknowledgement {
  success: true;
  data: User;
}
export interface UserStatusAcknowledgement {
  success: true;
  data: UserStatus;
}
export interface MessageAcknowledgement {
  success: true;
  warnings?: Warnings;
  data: Message;
}
export interface TombstoneAcknowledgement {
  success: true;
  data: Tombstone;
}
export interface ReactionAcknowledgement {
  success: true;
  data: ReactionsNow;
}
export interface ForwardAcknowledgement {
  success: true;
  warnings?: Warnings;
  data: {
    /**
     * By target, then by message.
     */
    messages: Message[];
  };
}
export interface ReadAcknowledgement {
  success: true;
  data: {
    readCount: Count;
    unreadCount: Count;
  };
}
export interface EmptyAcknowledgement {
  success: true;
  data: null;
}
/**
 * Bad fields and what is wrong with each; or `outcome`, `refused` (nothing was stored) or `unknown` (repeat with the same
 * `clientMsgId` to learn it), when the database went away; or `retryAfter` in seconds with `RATE_LIMITED`.
 *
 */
export interface Details {
  outcome?: "refused" | "unknown";
  retryAfter?: number;
  [k: string]: string | "refused" | "unknown" | number | undefined;
}
export interface Failure {
  success: false;
  /**
   * For a person, in the language that the handshake's `Accept-Language` prefers (`en`, `zh`).
   */
  message: string;
  /**
   * For a developer.
   */
  error: string;
  code: Code;
  details?: Details;
  /**
   * Of each bad field a stable code to put into words: REQUIRED, EMPTY, TYPE, TOO_LONG, LENGTH, RANGE … or one of the field's own; else INVALID.
   */
  fieldCodes?: {
    [k: string]: string;
  };
}
export interface ErrorEvent {
  success: false;
  /**
   * The event that failed, as it was sent; of an unknown name the first 64 characters; empty when none could be read.
   */
  event: string;
  message: string;
  error: string;
  code: Code;
  details?: Details;
  /**
   * Of each bad field a stable code to put into words: REQUIRED, EMPTY, TYPE, TOO_LONG, LENGTH, RANGE … or one of the field's own; else INVALID.
   */
  fieldCodes?: {
    [k: string]: string;
  };
}

/** What a client may send, by event. */
export interface ClientEvents {
  "user:join": EveryPayload["UserJoin"];
  "user:status:update": EveryPayload["UserStatusUpdate"];
  "users:online": EveryPayload["Anything"];
  "message:send": EveryPayload["MessageSend"];
  "message:read": EveryPayload["MessageRead"];
  "message:edit": EveryPayload["MessageEdit"];
  "message:recall": EveryPayload["MessageNamed"];
  "message:delete": EveryPayload["MessageNamed"];
  "message:react": EveryPayload["MessageReact"];
  "message:forward": EveryPayload["MessageForward"];
  "session:read": EveryPayload["SessionRead"];
  "unread:count": EveryPayload["UnreadCountAsked"];
  "chat:history": EveryPayload["ChatHistoryAsked"];
  "chat:sync": EveryPayload["ChatSyncAsked"];
  "typing:start": EveryPayload["Typing"];
  "typing:stop": EveryPayload["Typing"];
}

/** What the server may send, by event. */
export interface ServerEvents {
  "user:joined": EveryPayload["UserJoined"];
  "user:status": EveryPayload["UserStatus"];
  "users:online": EveryPayload["UsersOnline"];
  "message:sent": EveryPayload["MessageEvent"];
  "message:receive": EveryPayload["MessageEvent"];
  "message:status": EveryPayload["MessageStatus"];
  "message:read": EveryPayload["MessageReadTold"];
  "message:read:success": EveryPayload["MessageReadSuccess"];
  "message:deleted": EveryPayload["Tombstone"];
  "message:recalled": EveryPayload["Tombstone"];
  "message:updated": EveryPayload["MessageUpdated"];
  "message:reaction": EveryPayload["ReactionsNow"];
  "unread:count": EveryPayload["UnreadCount"];
  "chat:history": EveryPayload["ChatHistory"];
  "chat:sync": EveryPayload["ChatSync"];
  "typing:start": EveryPayload["TypingTold"];
  "typing:stop": EveryPayload["TypingTold"];
  "session:created": EveryPayload["SessionCreated"];
  "session:updated": EveryPayload["SessionUpdated"];
  "session:removed": EveryPayload["SessionRemoved"];
  "error": EveryPayload["ErrorEvent"];
}

/** What a success answers to a client event's callback. */
export interface Acknowledgements {
  "user:join": EveryPayload["UserAcknowledgement"];
  "user:status:update": EveryPayload["UserStatusAcknowledgement"];
  "users:online": EveryPayload["UsersOnline"];
  "message:send": EveryPayload["MessageAcknowledgement"];
  "message:read": EveryPayload["ReadAcknowledgement"];
  "message:edit": EveryPayload["MessageAcknowledgement"];
  "message:recall": EveryPayload["TombstoneAcknowledgement"];
  "message:delete": EveryPayload["TombstoneAcknowledgement"];
  "message:react": EveryPayload["ReactionAcknowledgement"];
  "message:forward": EveryPayload["ForwardAcknowledgement"];
  "session:read": EveryPayload["ReadAcknowledgement"];
  "unread:count": EveryPayload["UnreadCount"];
  "chat:history": EveryPayload["ChatHistory"];
  "chat:sync": EveryPayload["ChatSync"];
  "typing:start": EveryPayload["EmptyAcknowledgement"];
  "typing:stop": EveryPayload["EmptyAcknowledgement"];
}
