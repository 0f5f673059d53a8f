// Input that must change nothing but a clear answer, over Socket.IO: what hostile.test.js does to the
// REST calls. Nothing a client sends ends its connection, except what the protocol itself forbids.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ABSENT, ABSENT_ID, INVALID, POLLING, WEBSOCKET, accepted, api, ask, connect, declined, granted, heard, join,
  letter, open, pair, pause, recorded, refusal, register, until,
} from './support.js';
import { OPERATORS, ward } from './ward.js';

test('operators and arrays instead of a token connect nobody', async () => {
  const stranger = await register('stranger');
  for (const token of [...OPERATORS, null, { token: stranger.token }, [stranger.token], 'x'.repeat(20_000)]) {
    for (const transports of [WEBSOCKET, POLLING]) {
      assert.equal(await refusal(open(token, transports)), 'AUTH_FAILED');
    }
  }
  accepted(await ask(await connect(stranger.token), 'unread:count', stranger.id));
});

test('operators and arrays in every field of every event are declined', async () => {
  const { nurse, doctor, sessionId, message, unchanged } = await ward();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const payloads = {
    'user:join': [{ id: nurse.id, username: nurse.username }, ['id']],
    'message:send': [letter(nurse, sessionId), ['sessionId', 'senderId', 'receiverId', 'content', 'messageType', 'clientMsgId', 'fileUrl']],
    'message:read': [{ messageId: message._id, userId: nurse.id }, ['messageId', 'userId']],
    'chat:history': [{ sessionId, page: 1, limit: 50 }, ['sessionId']],
    'typing:start': [{ sessionId, userId: nurse.id }, ['sessionId', 'userId']],
    'typing:stop': [{ sessionId, userId: nurse.id }, ['sessionId', 'userId']],
  };
  await unchanged(async () => {
    for (const bad of OPERATORS) {
      for (const [event, [payload, fields]] of Object.entries(payloads)) {
        for (const field of fields) {
          const answer = await ask(bedside, event, { ...payload, [field]: bad });
          declined(answer, ...INVALID, 'FILE_REJECTED');
        }
      }
      declined(await ask(bedside, 'unread:count', bad), ...INVALID);
      declined(await ask(bedside, 'user:status:update', bad), ...INVALID);
    }
    for (const bad of [{ $gt: 0 }, 'x', -1, 1.5, 1e300]) {
      declined(await ask(bedside, 'chat:history', { sessionId, page: bad, limit: 50 }), ...INVALID);
      declined(await ask(bedside, 'chat:history', { sessionId, page: 1, limit: bad }), ...INVALID);
    }
  });
  assert.ok(bedside.connected, 'the connection outlives its own nonsense');
  assert.deepEqual(recorded(office, 'message:receive'), []);
  assert.deepEqual(recorded(office, 'typing:start'), []);
});

test('nonsense in chat:sync is declined or ignored', async () => {
  const { nurse, sessionId, unchanged } = await ward();
  const bedside = await join(nurse);
  accepted(await ask(bedside, 'chat:sync', { sessions: {} })); // an honest one, which delivers, comes first
  await unchanged(async () => {
    for (const sessions of [
      'all', 7, ['x'], { $ne: null }, { [sessionId]: { $gt: 0 } }, { [sessionId]: -1 }, { [sessionId]: 'x' },
      { [sessionId]: { seq: { $gt: 0 }, rev: 0 } }, { [sessionId]: { seq: 1.5, rev: -3 } }, { [sessionId]: 1e300 },
      { notAnId: 1 }, { $where: 1 }, { constructor: 1 },
    ]) {
      const answer = await ask(bedside, 'chat:sync', { sessions });
      if (!answer.success) declined(answer, ...INVALID);
    }
  });
  assert.ok(bedside.connected);
});

test('what belongs to others answers like what does not exist', async () => {
  const { nurse, sessionId, message, unchanged } = await ward();
  const stranger = await register('stranger');
  const [outside, bedside] = [await join(stranger), await join(nurse)];
  const attempts = [
    ['message:send', (session) => letter(stranger, session)],
    ['message:read', (session, note) => ({ messageId: note, userId: stranger.id })],
    ['chat:history', (session) => ({ sessionId: session, page: 1, limit: 50 })],
    ['typing:start', (session) => ({ sessionId: session, userId: stranger.id, receiverId: nurse.id })],
  ];
  await unchanged(async () => {
    for (const [event, payload] of attempts) {
      const foreign = declined(await ask(outside, event, payload(sessionId, message._id)), ...ABSENT);
      const absent = declined(await ask(outside, event, payload(ABSENT_ID, ABSENT_ID)), ...ABSENT);
      assert.deepEqual([foreign.code, foreign.message], [absent.code, absent.message], event);
    }
  });
  await pause(200);
  assert.deepEqual(bedside.record.filter(({ event }) => ['message:receive', 'typing:start', 'message:read'].includes(event)), []);
});

test('an extra role, sender or seq in an event is not obeyed', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const bedside = await connect(nurse.token);
  const joined = await ask(bedside, 'user:join', { id: nurse.id, username: 'somebody.else', realName: 'Chief', role: 'admin' });
  if (joined.success) {
    const { user } = await heard(bedside, 'user:joined');
    assert.deepEqual([user.role, user.username, user.realName], ['user', nurse.username, nurse.user.realName]);
  } else declined(joined, ...INVALID, 'FORBIDDEN');
  const me = granted(await api('GET', '/api/auth/me', undefined, nurse.token)).data;
  assert.deepEqual([me.role, me.username, me.realName], ['user', nurse.username, nurse.user.realName]);

  const forged = { _id: ABSENT_ID, seq: 999, sender: doctor.id, createdAt: '2001-01-01T00:00:00.000Z', status: 'read', isDeleted: true };
  const answer = await ask(bedside, 'message:send', letter(nurse, sessionId, forged));
  if (!answer.success) return declined(answer, ...INVALID);
  const { data } = answer;
  assert.deepEqual([data.seq, data.sender, data.status], [1, nurse.id, 'sent']);
  assert.ok(data._id !== ABSENT_ID && !data.isDeleted && Date.parse(data.createdAt) > Date.now() - 60_000);
});

test('text no JSON parser likes is answered and the connection lives', async () => {
  const { nurse, sessionId, unchanged } = await ward();
  const bedside = await join(nurse);
  let deep = {};
  for (let depth = 0; depth < 1_000; depth += 1) deep = { deep };
  await unchanged(async () => {
    declined(await ask(bedside, 'message:send', letter(nurse, sessionId, { content: '\ud800' })), ...INVALID);
    declined(await ask(bedside, 'message:send', deep), ...INVALID);
    declined(await ask(bedside, 'message:send', letter(nurse, sessionId, { content: deep })), ...INVALID);
  });
  assert.ok(bedside.connected);
});

for (const transports of [WEBSOCKET, POLLING]) {
  test(`a 5 MB frame over ${transports} harms nobody else`, async () => {
    const { nurse, doctor, sessionId, unchanged } = await ward();
    const office = await join(doctor);
    const content = 'x'.repeat(5 * 1024 * 1024);
    await unchanged(async () => {
      const attackers = await Promise.all(Array.from({ length: 5 }, () => connect(nurse.token, transports)));
      const outcomes = attackers.map((socket) => {
        const outcome = { answer: null };
        socket.emit('message:send', letter(nurse, sessionId, { content }), (answer) => { outcome.answer = answer; });
        return outcome;
      });
      accepted(await ask(office, 'unread:count', doctor.id));
      await until('each frame is declined or its connection closed', () =>
        attackers.every((socket, index) => !socket.connected || outcomes[index].answer));
      for (const { answer } of outcomes) if (answer) declined(answer, 'MESSAGE_TOO_LARGE', ...INVALID);
      assert.ok(office.connected);
      accepted(await ask(office, 'unread:count', doctor.id));
    });
    accepted(await ask(await join(nurse), 'unread:count', nurse.id));
  });
}

test('a huge list of sessions to sync harms nobody else', async () => {
  const { nurse, doctor, unchanged } = await ward();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  accepted(await ask(bedside, 'chat:sync', { sessions: {} }));
  const sessions = Object.fromEntries(Array.from({ length: 30_000 }, (_, index) =>
    [index.toString(16).padStart(24, 'a'), { seq: 0, rev: 0 }]));
  await unchanged(async () => {
    let answer;
    bedside.emit('chat:sync', { sessions }, (given) => { answer = given; });
    const started = Date.now();
    accepted(await ask(office, 'unread:count', doctor.id));
    assert.ok(Date.now() - started < 2_000, 'others wait for it');
    await until('it is answered or the connection closed', () => answer || !bedside.connected, 10_000);
    if (answer && !answer.success) declined(answer, ...INVALID, 'MESSAGE_TOO_LARGE', 'RATE_LIMITED');
  });
});
