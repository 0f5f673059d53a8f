// Socket.IO: the handshake, the client's events, presence.
import { room } from './chat.js';
import { CHEAP, OnlineUser, Session, User } from './models.js';
import { failure, forbidden, id, invalid, success, user as wireUser } from './wire.js';

const WATCHERS = 'watchers'; // sockets that have asked `users:online`
const PRESENT = { status: { $in: ['online', 'away'] } };
const STATUSES = ['online', 'away', 'offline'];

/** Nobody is connected: before the first socket, and after the last. */
export async function nobodyIsHere() {
  await OnlineUser.deleteMany({});
  await User.updateMany(PRESENT, { $set: { status: 'offline' } }, CHEAP);
}

/** Answers a function that waits for what is under way. */
export function attach(io, chat, readToken) {
  const underWay = new Set();

  function track(work) {
    underWay.add(work);
    work.finally(() => underWay.delete(work));
  }

  // The first request of each connection would be kept as long as it lives: `handshake` has what we need of it.
  io.use((socket, next) => {
    try {
      socket.data = { actor: readToken(socket.handshake.auth.token), userAgent: socket.handshake.headers['user-agent'], joinedAt: null };
    } catch (error) {
      return next(new Error(error.code));
    }
    socket.conn.request = null;
    socket.handshake.headers = {};
    socket.handshake.auth = {};
    next();
  });

  /** Tells those who share a session with somebody, and those who watch, what became of them. */
  async function announce(userId, status, lastSeen) {
    const rows = await Session.find({ participants: userId }, { _id: 0, participants: 1 }).lean();
    const rooms = [WATCHERS];
    for (const row of rows) {
      for (const one of row.participants) {
        const other = one.toHexString();
        if (other !== userId && chat.isConnected(other)) rooms.push(room(other));
      }
    }
    io.to(rooms).emit('user:status', { userId, status, lastSeen: lastSeen.toISOString() });
  }

  /** A socket's word on its user's status, in `online_users` and in `users`. */
  async function setStatus(socket, status) {
    const { actor, userAgent } = socket.data;
    const now = new Date();
    socket.data.joinedAt ??= now;
    const document = { userId: actor.id, status, lastSeen: now, userAgent, ipAddress: socket.handshake.address, updatedAt: now };
    const [person] = await Promise.all([
      User.findByIdAndUpdate(actor.id, { status, lastSeen: now }, { returnDocument: 'after', ...CHEAP }).lean(),
      OnlineUser.updateOne(
        { socketId: socket.id },
        { $set: document, $setOnInsert: { createdAt: socket.data.joinedAt } },
        { upsert: true, ...CHEAP },
      ),
    ]);
    if (!person) throw forbidden();
    await announce(actor.id, status, now);
    return person;
  }

  async function leave(socket) {
    const { actor, joinedAt } = socket.data;
    const isLast = !chat.isConnected(actor.id);
    if (isLast) chat.unread.forget(actor.id);
    if (!joinedAt || io.isClosing) return;
    await OnlineUser.deleteOne({ socketId: socket.id }, CHEAP);
    if (!isLast) return;
    const now = new Date();
    await User.updateOne({ _id: actor.id }, { status: 'offline', lastSeen: now }, CHEAP);
    await announce(actor.id, 'offline', now);
  }

  async function typing(event, socket, { sessionId, userId }) {
    const me = socket.data.actor.id;
    if (userId !== undefined && userId !== me) throw forbidden();
    const partner = await chat.partner(me, id(sessionId, 'sessionId'));
    io.to(room(partner)).volatile.emit(event, { sessionId, userId: me });
    return success(null);
  }

  // Each answers the envelope for the callback.
  const events = {
    'user:join': async (socket, { id: userId }) => {
      if (userId !== socket.data.actor.id) throw forbidden();
      const user = wireUser(await setStatus(socket, 'online'));
      socket.emit('user:joined', { success: true, user });
      return success(user);
    },
    'user:status:update': async (socket, status) => {
      if (!STATUSES.includes(status)) throw invalid('status must be online, away or offline');
      const person = await setStatus(socket, status);
      return success({ userId: socket.data.actor.id, status, lastSeen: person.lastSeen.toISOString() });
    },
    'users:online': async (socket) => {
      socket.join(WATCHERS);
      const users = (await User.find(PRESENT).lean()).map(wireUser);
      socket.emit('users:online', users);
      return users;
    },
    'message:send': async (socket, input) => success(await chat.send(socket.data.actor.id, input)),
    'message:read': async (socket, input) => success(await chat.read(socket.data.actor.id, input, socket)),
    'unread:count': async (socket, userId) => {
      const me = socket.data.actor.id;
      if (typeof userId === 'string' && userId !== me) throw forbidden();
      const answer = success(await chat.unread.of(me));
      socket.emit('unread:count', answer);
      return answer;
    },
    'chat:history': async (socket, input) => {
      const answer = await chat.history(socket.data.actor.id, input.sessionId, input);
      socket.emit('chat:history', answer);
      return answer;
    },
    'chat:sync': async (socket, input, hasCallback) => {
      const answer = success(await chat.sync(socket.data.actor.id, input));
      if (!hasCallback) socket.emit('chat:sync', answer);
      return answer;
    },
    'typing:start': (socket, input) => typing('typing:start', socket, input),
    'typing:stop': (socket, input) => typing('typing:stop', socket, input),
  };

  async function handle(socket, event, args) {
    const callback = typeof args.at(-1) === 'function' ? args.at(-1) : undefined;
    const payload = typeof args[0] === 'function' ? undefined : args[0];
    try {
      const answer = await events[event](socket, payload ?? {}, callback !== undefined);
      callback?.(answer);
    } catch (error) {
      const [, envelope] = failure(error);
      if (callback) callback(envelope);
      else socket.emit('error', { ...envelope, event });
    }
  }

  io.on('connection', (socket) => {
    socket.join(room(socket.data.actor.id));
    socket.onAny((event, ...args) => {
      if (Object.hasOwn(events, event)) track(handle(socket, event, args));
    });
    socket.on('disconnect', () => track(leave(socket).catch((error) => console.error('leaving', error))));
  });

  return () => Promise.allSettled(underWay);
}
