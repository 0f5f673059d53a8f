// With a callback every event is answered, well or badly; without one a failure comes as an `error`
// event. And the other direction: what a client's own acknowledgement of a message means.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ABSENT, ABSENT_ID, INVALID, accepted, ask, connect, declined, heard, history, join, letter, once,
  pair, pause, recorded, register, say,
} from './support.js';

test('every event with a callback gets success and its data, and the event of the source as well', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const office = await join(doctor);
  const bedside = await connect(nurse.token);
  const message = await say(doctor, sessionId, 'first');

  const joined = await ask(bedside, 'user:join', { id: nurse.id, username: nurse.username });
  assert.ok(accepted(joined), 'user:join has data');
  assert.equal((await heard(bedside, 'user:joined')).user._id, nurse.id);

  const sent = accepted(await ask(bedside, 'message:send', letter(nurse, sessionId)));
  assert.deepEqual([sent.content, sent.sender, sent.seq], ['Bed 4 is ready', nurse.id, 2]);
  assert.equal((await heard(bedside, 'message:sent')).message._id, sent._id);
  await heard(office, 'message:receive', (event) => event.message._id === sent._id);

  const counts = await ask(bedside, 'unread:count', nurse.id);
  assert.deepEqual(accepted(counts), { unreadCount: 1, bySession: { [sessionId]: 1 } });
  await heard(bedside, 'unread:count', (event) => event.success && event.data.unreadCount === 1);

  const read = accepted(await ask(bedside, 'message:read', { messageId: message._id, userId: nurse.id }));
  assert.deepEqual(read, { readCount: 1, unreadCount: 0 });
  const again = accepted(await ask(bedside, 'message:read', { messageId: message._id, userId: nurse.id }));
  assert.equal(again.unreadCount, 0);

  const past = await ask(bedside, 'chat:history', { sessionId, page: 1, limit: 50 });
  assert.deepEqual(accepted(past).map((one) => one._id), [message._id, sent._id]);
  assert.equal(past.pagination.total, 2);
  // A page may weigh megabytes, so it goes out once: to the callback, or without one as the event.
  assert.deepEqual(recorded(bedside, 'chat:history'), []);
  bedside.emit('chat:history', { sessionId, page: 1, limit: 50 });
  await heard(bedside, 'chat:history', (event) => event.data.length === 2);

  accepted(await ask(bedside, 'user:status:update', 'away'));
  for (const event of ['typing:start', 'typing:stop']) {
    accepted(await ask(bedside, event, { sessionId, userId: nurse.id, receiverId: doctor.id }));
    await heard(office, event);
  }
  const sync = accepted(await ask(bedside, 'chat:sync', { sessions: {} }));
  assert.ok(sync.sessions[sessionId]);
});

const long = '护'.repeat(8_001);
/** What must fail: event, its payload for this scene, the codes the contract allows. */
const FAILURES = [
  ['user:join', ({ doctor }) => ({ id: doctor.id, username: doctor.username }), ['FORBIDDEN']],
  ['message:send', ({ nurse }) => letter(nurse, ABSENT_ID), ABSENT],
  ['message:send', ({ nurse, foreign }) => letter(nurse, foreign), ABSENT],
  ['message:send', ({ doctor, sessionId }) => letter(doctor, sessionId), ['FORBIDDEN']],
  ['message:send', ({ nurse, sessionId }) => letter(nurse, sessionId, { content: '' }), INVALID],
  ['message:send', ({ nurse, sessionId }) => letter(nurse, sessionId, { messageType: 'hologram' }), INVALID],
  ['message:send', ({ nurse, sessionId }) => letter(nurse, sessionId, { receiverId: nurse.id }), INVALID],
  ['message:send', ({ nurse, sessionId }) => letter(nurse, sessionId, { clientMsgId: 'x'.repeat(65) }), INVALID],
  ['message:send', ({ nurse, sessionId }) => letter(nurse, sessionId, { content: long }), ['MESSAGE_TOO_LARGE']],
  ['message:send', ({ nurse, sessionId }) => letter(nurse, sessionId, { messageType: 'image' }), [...INVALID, 'FILE_REJECTED']],
  ['message:read', ({ nurse }) => ({ messageId: ABSENT_ID, userId: nurse.id }), ABSENT],
  ['message:read', ({ message, doctor }) => ({ messageId: message, userId: doctor.id }), ['FORBIDDEN']],
  ['unread:count', ({ doctor }) => doctor.id, ['FORBIDDEN']],
  ['chat:history', () => ({ sessionId: ABSENT_ID, page: 1, limit: 50 }), ABSENT],
  ['chat:history', ({ foreign }) => ({ sessionId: foreign, page: 1, limit: 50 }), ABSENT],
  ['chat:history', ({ sessionId }) => ({ sessionId, page: 0, limit: 101 }), INVALID],
  ['user:status:update', () => 'asleep', INVALID],
  ['typing:start', ({ nurse, foreign }) => ({ sessionId: foreign, userId: nurse.id }), ABSENT],
  ['typing:start', ({ doctor, sessionId }) => ({ sessionId, userId: doctor.id }), ['FORBIDDEN']],
];

async function scene() {
  const there = await pair();
  const foreign = (await pair()).sessionId;
  const message = (await say(there.doctor, there.sessionId, 'hello'))._id;
  return { ...there, foreign, message, bedside: await join(there.nurse) };
}

test('what fails answers its callback with a stable code', async () => {
  const here = await scene();
  for (const [event, payload, codes] of FAILURES) {
    const answer = await ask(here.bedside, event, payload(here));
    declined(answer, ...codes);
    assert.equal(typeof answer.error, 'string', `${event}: the same envelope as REST`);
  }
  assert.equal((await history(here.nurse, here.sessionId)).pagination.total, 1);
  assert.ok(here.bedside.connected);
});

test('what fails without a callback comes as an error event that names its event', async () => {
  const here = await scene();
  for (const [event, payload, codes] of FAILURES) {
    const error = once(here.bedside, 'error');
    here.bedside.emit(event, payload(here));
    const answer = await error;
    assert.equal(answer.event, event);
    declined(answer, ...codes);
  }
  assert.equal((await history(here.nurse, here.sessionId)).pagination.total, 1);
  assert.ok(here.bedside.connected);
});

test('an unknown event is answered, also one that only the server may say', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  for (const event of ['no:such:event', 'message:receive', 'message:sent', '__proto__', '']) {
    declined(await ask(bedside, event, { message: { sessionId, content: 'forged' } }));
    const error = once(bedside, 'error');
    bedside.emit(event, {});
    assert.equal((await error).event, event);
  }
  assert.deepEqual(recorded(office, 'message:receive'), []);
});

test('missing, several, odd and binary arguments are answered', async () => {
  const { nurse, sessionId } = await pair();
  const bedside = await join(nurse);
  const needsPayload = ['user:join', 'message:send', 'message:read', 'chat:history', 'typing:start', 'typing:stop', 'user:status:update'];
  const odd = [[], [null], [42], [true], [[]], ['text', 'more', {}], [Buffer.from('bytes')], [{ content: Buffer.from('bytes') }]];
  for (const event of needsPayload) {
    for (const args of odd) declined(await ask(bedside, event, ...args));
  }
  for (const event of ['unread:count', 'users:online', 'chat:sync']) {
    for (const args of odd) assert.ok(await ask(bedside, event, ...args), `${event} is answered`);
  }
  const sent = await ask(bedside, 'message:send', letter(nurse, sessionId), 'a second argument', { third: true });
  assert.equal(typeof sent.success, 'boolean');
  assert.ok(bedside.connected);
  assert.equal((await history(nurse, sessionId)).pagination.total, sent.success ? 1 : 0);
});

test('with auth.acks a message is delivered only once the client says so', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const bedside = await join(nurse);
  const office = await join(doctor, undefined, { auth: { acks: true } });
  const acknowledge = new Promise((resolve) => {
    office.on('message:receive', (data, ack) => resolve({ data, ack }));
  });
  const message = await say(nurse, sessionId, 'are you there?');
  const { data, ack } = await acknowledge;
  assert.equal(data.message._id, message._id);
  assert.equal(typeof ack, 'function', 'the server asks for an acknowledgement');

  await pause(800);
  const delivered = (event) => event.messageId === message._id && event.status === 'delivered';
  assert.deepEqual(recorded(bedside, 'message:status').filter(delivered), [], 'nobody has acknowledged yet');
  ack();
  const status = await heard(bedside, 'message:status', delivered);
  assert.equal(status.userId, doctor.id);
  assert.equal((await history(nurse, sessionId)).data[0].status, 'delivered');
});

test('one acknowledging device among several is enough, and delivery is told once', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const bedside = await join(nurse);
  const phone = await join(doctor, undefined, { auth: { acks: true } });
  const tablet = await join(doctor, undefined, { auth: { acks: true } });
  tablet.on('message:receive', () => {}); // never acknowledges
  phone.on('message:receive', (data, ack) => ack());
  const message = await say(nurse, sessionId, 'one is enough');
  const delivered = (event) => event.messageId === message._id && event.status === 'delivered';
  await heard(bedside, 'message:status', delivered);
  await pause(300);
  assert.equal(recorded(bedside, 'message:status').filter(delivered).length, 1);
});

test('nobody there: a message stays sent, read over REST or not, until a socket is handed it', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const stranger = await register('stranger');
  await join(stranger);
  const bedside = await join(nurse);
  const message = accepted(await ask(bedside, 'message:send', letter(nurse, sessionId)));
  for (let reading = 1; reading <= 2; reading += 1) {
    const [stored] = (await history(doctor, sessionId)).data;
    assert.deepEqual([stored._id, stored.status], [message._id, 'sent']);
    await pause(400);
  }
  assert.deepEqual(recorded(bedside, 'message:status').filter((event) => event.status !== 'sent'), []);

  const office = await join(doctor);
  accepted(await ask(office, 'chat:sync', { sessions: {} }));
  await heard(bedside, 'message:status', (event) => event.messageId === message._id && event.status === 'delivered');
});
