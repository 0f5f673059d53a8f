// The verbs that REST and Socket.IO share. Rooms: `user:<id>` holds all sockets of a person.
import { CHEAP, DURABLE, Message, Session, UNREAD, User, newId, oid } from './models.js';
import { Unread } from './unread.js';
import * as wire from './wire.js';

const KINDS = new Set(['text', 'image', 'file', 'voice']);
const LONGEST_CONTENT = 8_000;
const LONGEST_PREVIEW = 100;
const SYNC_MOST = 500;
/** Sessions whose participants are remembered; a private session's never change. */
const REMEMBERED = 50_000;
/** Milliseconds for which delivery marks gather before they are written. */
const MARK_EVERY = 50;

export const room = (userId) => `user:${userId}`;

export class Chat {
  #io;
  #participants = new Map(); // session id → [user id, user id]
  #delivered = []; // ids of messages handed over and not yet marked

  constructor(io) {
    this.#io = io;
    this.unread = new Unread((userId, counts) => io.to(room(userId)).emit('unread:count', counts));
  }

  isConnected(userId) {
    return this.#io.sockets.adapter.rooms.has(room(userId));
  }

  /** The other participant of a session of `me`. */
  async partner(me, sessionId) {
    let pair = this.#participants.get(sessionId);
    if (!pair) {
      const row = await Session.findById(sessionId, { participants: 1 }).lean();
      if (!row) throw wire.noSession();
      pair = row.participants.map(String);
      if (this.#participants.size >= REMEMBERED) this.#participants.delete(this.#participants.keys().next().value);
      this.#participants.set(sessionId, pair);
    }
    if (!pair.includes(me)) throw wire.noSession();
    return pair[0] === me ? pair[1] : pair[0];
  }

  async send(me, input) {
    const sessionId = wire.id(input.sessionId, 'sessionId');
    const { content, messageType = 'text', fileUrl, fileName, fileSize, clientMsgId } = input;
    if (input.senderId !== undefined && input.senderId !== me) throw wire.forbidden();
    if (!KINDS.has(messageType)) throw wire.invalid('messageType must be text, image, file or voice');
    if (typeof content !== 'string' || (messageType === 'text' && !content)) throw wire.invalid('content is missing');
    for (const text of [fileUrl, fileName, clientMsgId]) {
      if (text !== undefined && typeof text !== 'string') throw wire.invalid('fileUrl, fileName and clientMsgId are texts');
    }
    if (fileSize !== undefined && !Number.isSafeInteger(fileSize)) throw wire.invalid('fileSize is a number');
    if (content.length > LONGEST_CONTENT) throw new wire.Refusal(413, 'MESSAGE_TOO_LARGE', 'the message is too long');
    const receiver = await this.partner(me, sessionId);
    if (input.receiverId && input.receiverId !== receiver) throw wire.invalid('receiverId is not the other participant');

    const now = new Date();
    const _id = newId();
    const session = await Session.findOneAndUpdate(
      { _id: sessionId },
      {
        $inc: { seq: 1, version: 1, [`unreadCount.${receiver}`]: 1 },
        $set: { lastMessage: _id, lastMessageTime: now, lastMessagePreview: content.slice(0, LONGEST_PREVIEW), updatedAt: now },
      },
      {
        returnDocument: 'after', lean: true, projection: { _id: 0, seq: 1, version: 1, unreadCount: 1 }, ...DURABLE,
      },
    );
    if (!session) throw wire.noSession();
    const row = {
      _id, sessionId: oid(sessionId), sender: oid(me), receiver: oid(receiver), content, messageType,
      fileUrl, fileName, fileSize, status: 'sent', readBy: [], seq: session.seq, clientMsgId,
      isDeleted: false, createdAt: now, updatedAt: now,
    };
    await Message.create([row], DURABLE);

    const message = wire.message(row);
    this.#io.to(room(me)).emit('message:sent', { message });
    if (this.isConnected(receiver)) {
      this.#io.to(room(receiver)).emit('message:receive', { message });
      this.#tellUnread(receiver, sessionId, session);
      this.#markDelivered(_id);
      this.#tellStatus(me, message._id, sessionId, 'delivered', receiver, now);
    }
    return message;
  }

  /** Marks a message and every earlier one of its session as read; `socket` is the reader's, if any. */
  async read(me, { messageId, userId = me }, socket) {
    if (userId !== me) throw wire.forbidden();
    const named = await Message.findById(wire.id(messageId, 'messageId'), { sessionId: 1, seq: 1, sender: 1 }).lean();
    if (!named) throw wire.noMessage();
    const sessionId = named.sessionId.toHexString();
    const partner = await this.partner(me, sessionId);

    const now = new Date();
    const { modifiedCount } = await Message.collection.updateMany(
      { receiver: oid(me), sessionId: named.sessionId, seq: { $lte: named.seq }, ...UNREAD },
      { $set: { status: 'read', updatedAt: now }, $push: { readBy: { user: oid(me), readAt: now } } },
      DURABLE,
    );
    if (modifiedCount) {
      const session = await Session.collection.findOneAndUpdate(
        { _id: named.sessionId },
        { $inc: { version: 1, [`unreadCount.${me}`]: -modifiedCount } },
        { returnDocument: 'after', projection: { _id: 0, version: 1, unreadCount: 1 }, ...DURABLE },
      );
      const event = { messageId, sessionId, userId: me, readAt: now.toISOString(), seq: named.seq };
      (socket ?? this.#io).to([room(partner), room(me)]).emit('message:read', event);
      if (String(named.sender) === partner) this.#tellStatus(partner, messageId, sessionId, 'read', me, now);
      if (this.isConnected(me)) this.#tellUnread(me, sessionId, session);
    }
    const { unreadCount } = await this.unread.of(me);
    return { readCount: modifiedCount, unreadCount };
  }

  async history(me, sessionId, query) {
    await this.partner(me, wire.id(sessionId, 'sessionId'));
    const page = wire.whole(query.page, 'page', 1);
    const limit = wire.whole(query.limit, 'limit', 50, 100);
    const beforeSeq = wire.whole(query.beforeSeq, 'beforeSeq');
    const newest = { sort: { seq: -1 }, limit };
    if (beforeSeq !== undefined) {
      const rows = await Message.find({ sessionId, seq: { $lt: beforeSeq } }, null, newest).lean();
      const hasMore = rows.length > 0 && rows.at(-1).seq > 1;
      return { ...wire.success(rows.reverse().map(wire.message)), pagination: { page: 1, limit, hasMore } };
    }
    const skip = (page - 1) * limit;
    const [rows, total] = await Promise.all([
      Message.find({ sessionId }, null, { ...newest, skip }).lean(),
      Message.countDocuments({ sessionId }),
    ]);
    return { ...wire.success(rows.reverse().map(wire.message)), pagination: pagination(page, limit, total) };
  }

  /** What came after the `seq` known of each session, named sessions first, at most 500 messages. */
  async sync(me, { sessions: known = {} }) {
    const rows = await Session.find({ participants: me }).lean();
    const wanted = rows.map((row) => {
      const name = row._id.toHexString();
      const from = known[name]?.seq ?? known[name] ?? 0;
      if (!Number.isInteger(from) || from < 0) throw wire.invalid('sessions must be positions by session id');
      return { name, row, from, isNamed: name in known };
    });
    wanted.sort((one, other) => other.isNamed - one.isNamed);
    let left = SYNC_MOST;
    const shares = await Promise.all(wanted.map(async ({ name, row, from }) => {
      const take = Math.min(left, Math.max(0, row.seq - from));
      left -= take;
      const found = take > 0
        ? await Message.find({ sessionId: row._id, seq: { $gt: from } }, null, { sort: { seq: 1 }, limit: take }).lean()
        : [];
      const reached = found.at(-1)?.seq ?? from;
      const share = {
        session: wire.session(row), messages: found.map(wire.message), changed: [],
        seq: row.seq, rev: 0, next: { seq: reached, rev: 0 }, hasMore: reached < row.seq,
      };
      return [name, share];
    }));
    const sessions = Object.fromEntries(shares);
    const removed = Object.keys(known).filter((name) => !(name in sessions));
    return { sessions, removed, hasMore: shares.some(([, share]) => share.hasMore) };
  }

  async sessions(actor, userId, query) {
    if (wire.id(userId, 'userId') !== actor.id && actor.role !== 'admin') throw wire.forbidden();
    const page = wire.whole(query.page, 'page', 1);
    const limit = wire.whole(query.limit, 'limit', 50, 100);
    const [rows, total] = await Promise.all([
      Session.find({ participants: userId }, null, { sort: { lastMessageTime: -1 }, skip: (page - 1) * limit, limit }).lean(),
      Session.countDocuments({ participants: userId }),
    ]);
    const ids = new Set(rows.flatMap((row) => row.participants.map(String)));
    const people = await User.find({ _id: { $in: [...ids] } }).lean();
    const profiles = new Map(people.map((row) => [row._id.toHexString(), wire.user(row)]));
    const listed = rows.map((row) => ({
      ...wire.session(row),
      participantProfiles: row.participants.map((one) => profiles.get(one.toHexString())).filter(Boolean),
      lastMessagePreview: row.lastMessagePreview,
      unread: row.unreadCount[userId] ?? 0,
    }));
    return { ...wire.success(listed), pagination: pagination(page, limit, total) };
  }

  /** The one private session of two people, and whether it is new. */
  async openPrivate(me, { userId1, userId2 }) {
    const pair = [wire.id(userId1, 'userId1'), wire.id(userId2, 'userId2')].sort();
    if (!pair.includes(me)) throw wire.forbidden();
    if (pair[0] === pair[1]) throw wire.invalid('a session needs two people');
    const pairKey = pair.join(':');
    if (await User.countDocuments({ _id: { $in: pair } }) !== 2) throw new wire.Refusal(404, 'NOT_FOUND', 'there is no such person');
    const now = new Date();
    const fresh = {
      participants: pair, sessionType: 'private', sessionName: '', lastMessage: null, lastMessageTime: now, lastMessagePreview: '',
      unreadCount: { [pair[0]]: 0, [pair[1]]: 0 }, seq: 0, version: 0, createdAt: now, updatedAt: now,
    };
    const upsert = { upsert: true, returnDocument: 'after', includeResultMetadata: true, ...DURABLE };
    try {
      const { value, lastErrorObject } = await Session.findOneAndUpdate({ pairKey }, { $setOnInsert: fresh }, upsert).lean();
      return { session: wire.session(value), isNew: !lastErrorObject.updatedExisting };
    } catch (error) {
      if (error.code !== 11000) throw error; // both made it at the same moment
      return { session: wire.session(await Session.findOne({ pairKey }).lean()), isNew: false };
    }
  }

  async stats(actor, userId) {
    if (wire.id(userId, 'userId') !== actor.id && actor.role !== 'admin') throw wire.forbidden();
    const [totalSessions, sentMessages, receivedMessages, unread, onlineUsers] = await Promise.all([
      Session.countDocuments({ participants: userId }),
      Message.countDocuments({ sender: userId }),
      Message.countDocuments({ receiver: userId }),
      Session.aggregate([
        { $match: { participants: oid(userId) } },
        { $group: { _id: null, sum: { $sum: `$unreadCount.${userId}` } } },
      ]),
      User.countDocuments({ status: { $in: ['online', 'away'] } }),
    ]);
    return {
      totalSessions, totalMessages: sentMessages + receivedMessages, sentMessages, receivedMessages,
      unreadMessages: unread[0]?.sum ?? 0, onlineUsers,
    };
  }

  #tellStatus(sender, messageId, sessionId, status, userId, at) {
    this.#io.to(room(sender)).emit('message:status', { messageId, sessionId, status, userId, at: at.toISOString() });
  }

  #tellUnread(userId, sessionId, session) {
    this.unread.changed(userId, sessionId, session).catch((error) => console.error('unread counts', error));
  }

  #markDelivered(messageId) {
    if (this.#delivered.push(messageId) > 1) return;
    setTimeout(() => {
      const ids = this.#delivered;
      this.#delivered = [];
      Message.collection
        .updateMany({ _id: { $in: ids }, status: 'sent' }, { $set: { status: 'delivered' } }, CHEAP)
        .catch((error) => console.error('delivery marks', error));
    }, MARK_EVERY);
  }
}

const pagination = (page, limit, total) => ({
  page, limit, total, pages: Math.ceil(total / limit), hasMore: page * limit < total,
});
