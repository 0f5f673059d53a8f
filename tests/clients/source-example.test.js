// The source document's front end, as it stands there: an application written against it must work
// unchanged, without callbacks, over every transport. Then each of its events, in both directions.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { io } from 'socket.io-client';
import {
  POLLING, WEBSOCKET, accepted, address, api, ask, connect, granted, heard, history, join, letter,
  once, pair, pause, recorded, register, say, until,
} from './support.js';

const TRANSPORTS = [['websocket', WEBSOCKET], ['polling', POLLING], ['polling, then upgrade', null]];
const MESSAGE_FIELDS = [
  '_id', 'sessionId', 'sender', 'receiver', 'content', 'messageType', 'fileUrl', 'fileName',
  'fileSize', 'status', 'readBy', 'createdAt', 'updatedAt', 'seq',
];
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

for (const [name, transports] of TRANSPORTS) {
  const story = (title, body) => test(`${name}: ${title}`, body);

  story("the source's front-end example works as written", async () => {
    const { nurse, doctor, sessionId } = await pair();
    const currentUserId = nurse.id;
    const joined = [], received = [], statuses = [], sent = [], histories = [], errors = [];

    const socket = io(address, { forceNew: true, auth: { token: nurse.token }, ...(transports && { transports }) });
    try {
      socket.on('connect', () => {
        socket.emit('user:join', {
          id: nurse.id, username: nurse.username, realName: 'The nurse', avatar: '', role: 'user',
        });
      });
      socket.on('user:joined', (data) => joined.push(data.user));
      socket.on('message:receive', (data) => received.push(data.message));
      socket.on('user:status', (data) => statuses.push(data));
      socket.on('message:sent', (data) => sent.push(data.message));
      socket.on('error', (error) => errors.push(error));

      function sendMessage(session, receiverId, content) {
        socket.emit('message:send', {
          sessionId: session, senderId: currentUserId, receiverId, content, messageType: 'text',
        });
      }
      function getChatHistory(session, page = 1) {
        socket.emit('chat:history', { sessionId: session, page, limit: 50 });
      }
      socket.on('chat:history', (data) => histories.push(data));

      await until('user:joined arrives', () => joined.length > 0);
      assert.equal(joined[0]._id, nurse.id);

      await join(doctor, transports);
      const status = await until('the doctor is seen coming online', () => statuses.find((one) => one.userId === doctor.id));
      assert.equal(status.status, 'online');
      assert.match(status.lastSeen, INSTANT);

      sendMessage(sessionId, doctor.id, '你好，四号床准备好了');
      await until('message:sent arrives', () => sent.length > 0);
      await say(doctor, sessionId, 'Thank you');
      await until('message:receive arrives', () => received.length > 0);
      assert.equal(received[0].content, 'Thank you');

      getChatHistory(sessionId);
      await until('chat:history arrives', () => histories.length > 0);
      assert.deepEqual(histories[0].data.map((message) => message.content), ['你好，四号床准备好了', 'Thank you']);
      assert.equal(histories[0].pagination.total, 2);
      assert.deepEqual(errors, []);
    } finally {
      socket.close();
    }
  });

  story('who is online comes to the callback as a bare array, and as an event', async () => {
    const { nurse, doctor } = await pair();
    const bedside = await join(nurse, transports);
    await join(doctor, transports);
    const event = once(bedside, 'users:online');
    const users = await ask(bedside, 'users:online');
    assert.ok(Array.isArray(users), 'the callback gets the bare array');
    for (const list of [users, await event]) {
      const seen = list.find((user) => user._id === doctor.id);
      assert.equal(seen?.status, 'online');
      assert.equal(seen.username, doctor.username);
    }
  });

  story('a message is sent, received, delivered and read', async () => {
    const { nurse, doctor, sessionId } = await pair();
    const [bedside, office] = [await join(nurse, transports), await join(doctor, transports)];
    bedside.emit('message:send', letter(nurse, sessionId, { receiverId: doctor.id, fileUrl: '', fileName: '', fileSize: 0 }));

    const { message } = await heard(bedside, 'message:sent');
    for (const field of MESSAGE_FIELDS) assert.ok(field in message, `message lacks ${field}`);
    assert.deepEqual(
      [message.sessionId, message.sender, message.receiver, message.messageType, message.seq],
      [sessionId, nurse.id, doctor.id, 'text', 1]);
    assert.match(message._id, /^[0-9a-f]{24}$/);
    assert.match(message.createdAt, INSTANT);

    const received = (await heard(office, 'message:receive')).message;
    assert.deepEqual([received._id, received.content], [message._id, 'Bed 4 is ready']);

    const mine = (event) => event.messageId === message._id;
    const delivered = await heard(bedside, 'message:status', (event) => mine(event) && event.status === 'delivered');
    assert.deepEqual([delivered.sessionId, delivered.userId], [sessionId, doctor.id]);
    assert.match(delivered.at, INSTANT);

    office.emit('message:read', { messageId: message._id, userId: doctor.id });
    const read = await heard(bedside, 'message:read', mine);
    assert.deepEqual([read.sessionId, read.userId, read.seq], [sessionId, doctor.id, 1]);
    assert.match(read.readAt, INSTANT);
    await heard(bedside, 'message:status', (event) => mine(event) && event.status === 'read');

    const order = recorded(bedside, 'message:status').filter(mine).map((event) => event.status);
    assert.deepEqual(order.filter((status) => status !== 'sent'), ['delivered', 'read']);
    const [stored] = (await history(nurse, sessionId)).data;
    assert.equal(stored.status, 'read');
    assert.deepEqual(stored.readBy.map((reader) => reader.user), [doctor.id]);
  });

  story('the unread count goes up with each message and down with reading', async () => {
    const { nurse, doctor, sessionId } = await pair();
    const office = await join(doctor, transports);
    const countIs = (count) => once(office, 'unread:count', (event) => event.data.unreadCount === count);

    const [none] = await Promise.all([countIs(0), office.emit('unread:count', doctor.id)]);
    assert.equal(none.success, true);
    const one = countIs(1);
    await say(nurse, sessionId, 'first');
    await one;
    const two = countIs(2);
    const second = await say(nurse, sessionId, 'second');
    assert.deepEqual((await two).data.bySession, { [sessionId]: 2 });

    const read = countIs(0);
    office.emit('message:read', { messageId: second._id, userId: doctor.id });
    await read;
    const asked = countIs(0);
    office.emit('unread:count', doctor.id);
    await asked;
  });

  story('typing is shown to the other and taken back', async () => {
    const { nurse, doctor, sessionId } = await pair();
    const [bedside, office] = [await join(nurse, transports), await join(doctor, transports)];
    const typing = { sessionId, userId: nurse.id, receiverId: doctor.id };
    bedside.emit('typing:start', typing);
    const started = await heard(office, 'typing:start');
    assert.deepEqual([started.sessionId, started.userId], [sessionId, nurse.id]);
    bedside.emit('typing:stop', typing);
    const stopped = await heard(office, 'typing:stop');
    assert.deepEqual([stopped.sessionId, stopped.userId], [sessionId, nurse.id]);
    assert.deepEqual(recorded(bedside, 'typing:start'), [], 'nobody hears themselves typing');
  });

  story('typing stops by itself after six seconds', async () => {
    const { nurse, doctor, sessionId } = await pair();
    const [bedside, office] = [await join(nurse, transports), await join(doctor, transports)];
    bedside.emit('typing:start', { sessionId, userId: nurse.id, receiverId: doctor.id });
    await heard(office, 'typing:start');
    const begun = Date.now();
    await heard(office, 'typing:stop', (event) => event.userId === nurse.id, 8_000);
    const lasted = Date.now() - begun;
    assert.ok(lasted > 5_000, `stopped after ${lasted} ms`);
  });

  story('status changes and going offline are seen', async () => {
    const { nurse, doctor } = await pair();
    const [bedside, office] = [await join(nurse, transports), await join(doctor, transports)];
    const doctorIs = (status) => heard(bedside, 'user:status', (event) => event.userId === doctor.id && event.status === status);
    await doctorIs('online');
    office.emit('user:status:update', 'away');
    await doctorIs('away');
    office.close();
    assert.match((await doctorIs('offline')).lastSeen, INSTANT);
  });

  story('history is paged from the newest, oldest first inside a page', async () => {
    const { nurse, doctor, sessionId } = await pair();
    for (let number = 1; number <= 7; number += 1) await say(nurse, sessionId, `note ${number}`);
    const office = await connect(doctor.token, transports);
    const page = async (number) => {
      const event = once(office, 'chat:history');
      office.emit('chat:history', { sessionId, page: number, limit: 3 });
      return event;
    };
    const pages = [await page(1), await page(2), await page(3)];
    assert.deepEqual(
      pages.map((one) => one.data.map((message) => message.content)),
      [['note 5', 'note 6', 'note 7'], ['note 2', 'note 3', 'note 4'], ['note 1']]);
    assert.deepEqual(pages[0].pagination, { page: 1, limit: 3, total: 7, current: 1, totalCount: 7, pages: 3, hasMore: true });
    assert.deepEqual(pages[2].pagination, { page: 3, limit: 3, total: 7, current: 3, totalCount: 7, pages: 3, hasMore: false });
  });
}

test('typing stops when its sender disconnects', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  bedside.emit('typing:start', { sessionId, userId: nurse.id, receiverId: doctor.id });
  await heard(office, 'typing:start');
  bedside.close();
  await heard(office, 'typing:stop', (event) => event.userId === nurse.id, 3_000);
});

test("reading is told to the reader's other devices, typing to no stranger", async () => {
  const { nurse, doctor, sessionId } = await pair();
  const stranger = await register('stranger');
  const [desk, phone, outside] = [await join(doctor), await join(doctor), await join(stranger)];
  const bedside = await join(nurse);
  const message = await say(nurse, sessionId, 'please read');
  accepted(await ask(desk, 'message:read', { messageId: message._id, userId: doctor.id }));
  await heard(phone, 'message:read', (event) => event.messageId === message._id);
  bedside.emit('typing:start', { sessionId, userId: nurse.id, receiverId: stranger.id });
  await heard(desk, 'typing:start');
  await pause(300);
  for (const event of ['typing:start', 'message:receive', 'message:read', 'unread:count', 'user:status']) {
    const aboutOthers = recorded(outside, event).filter((data) => data.userId !== stranger.id);
    assert.deepEqual(aboutOthers, [], `a stranger heard ${event}`);
  }
});

test('a deleted message is heard as deleted by both, and is no longer unread', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const message = await say(nurse, sessionId, 'wrong patient');
  const uncounted = once(office, 'unread:count', (event) => event.data.unreadCount === 0);
  granted(await api('DELETE', `/api/chat/messages/${message._id}`, { userId: nurse.id }, nurse.token));
  for (const socket of [bedside, office]) {
    const event = await heard(socket, 'message:deleted', (one) => (one.messageId ?? one.message?._id) === message._id);
    assert.equal(typeof (event.rev ?? event.message?.rev), 'number', 'an event of a change names its rev');
  }
  await uncounted;
  const [tombstone] = (await history(doctor, sessionId)).data;
  assert.deepEqual([tombstone._id, tombstone.isDeleted, tombstone.content, tombstone.seq], [message._id, true, '', 1]);
});
