// The way back: whatever happened while a client was away, `chat:sync` brings it to where a client
// that stayed is: new messages, changes to old ones, positions, and sessions it never heard of.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ABSENT_ID, accepted, api, ask, connect, granted, history, join, notes, once, pair, pipeline,
  privateSession, register, say, wholeHistory,
} from './support.js';

const sync = async (socket, sessions) => accepted(await ask(socket, 'chat:sync', { sessions }));
const remove = async (person, message) =>
  granted(await api('DELETE', `/api/chat/messages/${message._id}`, { userId: person.id }, person.token));

test('messages, a deletion and a reading while away are all brought back', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const office = await join(doctor);
  const [first, second] = [await say(nurse, sessionId, 'first'), await say(doctor, sessionId, 'second')];
  const before = (await sync(office, {})).sessions[sessionId];
  assert.deepEqual(before.messages.map((message) => message._id), [first._id, second._id]);
  assert.equal(before.seq, 2);
  office.close();

  const third = await say(nurse, sessionId, 'third');
  await remove(nurse, first);
  granted(await api('PUT', `/api/chat/messages/${second._id}/read`, { userId: nurse.id }, nurse.token));
  const fourth = await say(nurse, sessionId, 'fourth');

  const back = await join(doctor);
  const answer = await sync(back, { [sessionId]: { seq: before.seq, rev: before.rev } });
  const now = answer.sessions[sessionId];
  assert.deepEqual(now.messages.map((message) => [message._id, message.seq]), [[third._id, 3], [fourth._id, 4]]);
  const tombstone = now.changed.find((message) => message._id === first._id);
  assert.deepEqual([tombstone?.isDeleted, tombstone?.content, tombstone?.seq], [true, '', 1]);
  assert.ok(tombstone.rev > before.rev && tombstone.rev <= now.rev, 'a changed message carries its rev');
  assert.deepEqual([now.seq, now.hasMore, answer.hasMore], [4, false, false]);
  assert.deepEqual(answer.removed, []);

  const ofNurse = now.positions[nurse.id];
  assert.equal(ofNurse.readSeq, 2);
  assert.ok(Number.isFinite(Date.parse(ofNurse.readAt)));
  assert.equal(typeof ofNurse.deliveredSeq, 'number');
  assert.ok(doctor.id in now.positions);
});

test('old state and the answer together are a fresh fetch', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const office = await join(doctor);
  for (let number = 1; number <= 6; number += 1) await say(nurse, sessionId, `note ${number}`);
  const known = new Map((await wholeHistory(doctor, sessionId)).map((message) => [message._id, message]));
  const { seq, rev } = (await sync(office, {})).sessions[sessionId];
  office.close();

  const [one, , three] = [...known.values()];
  await remove(nurse, three);
  await say(doctor, sessionId, 'note 7');
  await remove(nurse, one);
  const eighth = await say(nurse, sessionId, 'note 8');
  await remove(nurse, eighth); // came and went while away

  const back = await connect(doctor.token);
  const now = (await sync(back, { [sessionId]: { seq, rev } })).sessions[sessionId];
  for (const message of [...now.messages, ...now.changed]) known.set(message._id, message);
  const merged = [...known.values()].sort((left, right) => left.seq - right.seq);
  const essence = (message) => [message._id, message.seq, message.content, Boolean(message.isDeleted)];
  assert.deepEqual(merged.map(essence), (await wholeHistory(doctor, sessionId)).map(essence));

  const again = (await sync(back, { [sessionId]: { seq: now.seq, rev: now.rev } })).sessions[sessionId];
  assert.deepEqual([again?.messages ?? [], again?.changed ?? []], [[], []], 'up to date: nothing more');
});

test('at most five hundred messages a call, and hasMore until the end', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const other = await register('colleague');
  const { _id: second } = await privateSession(other, doctor);
  const [bedside, desk] = [await join(nurse), await join(other)];
  (await pipeline(bedside, nurse, sessionId, notes(620))).forEach(accepted);
  (await pipeline(desk, other, second, notes(430))).forEach(accepted);

  const back = await connect(doctor.token);
  const positions = {};
  const collected = { [sessionId]: [], [second]: [] };
  let calls = 0;
  for (let more = true; more; calls += 1) {
    assert.ok(calls < 12, `hasMore does not end; have ${JSON.stringify(positions)}`);
    const answer = await sync(back, positions);
    let count = 0;
    for (const [id, session] of Object.entries(answer.sessions)) {
      count += session.messages.length;
      collected[id].push(...session.messages.map((message) => message.seq));
      positions[id] = { seq: collected[id].at(-1) ?? 0, rev: session.rev };
      if (session.hasMore) assert.equal(answer.hasMore, true, 'one session has more, so has the answer');
      else assert.equal(positions[id].seq, session.seq, 'without hasMore a session is complete');
    }
    assert.ok(count <= 500, `${count} messages in one call`);
    if (answer.hasMore) assert.ok(count > 0, 'hasMore, yet nothing came');
    more = answer.hasMore;
  }
  assert.ok(calls >= 3, `1,050 messages came in ${calls} calls`);
  assert.deepEqual(collected[sessionId], Array.from({ length: 620 }, (_, index) => index + 1));
  assert.deepEqual(collected[second], Array.from({ length: 430 }, (_, index) => index + 1));
});

test('a session the client does not name is listed, with all its messages', async () => {
  const { nurse, doctor, sessionId } = await pair();
  await say(nurse, sessionId, 'known');
  const office = await join(doctor);
  office.close();
  const stranger = await register('colleague');
  const { _id: fresh } = await privateSession(stranger, doctor);
  await say(stranger, fresh, 'a new session while away');

  const back = await connect(doctor.token);
  const answer = await sync(back, { [sessionId]: { seq: 1, rev: 0 } });
  assert.deepEqual(answer.sessions[fresh].messages.map((message) => message.content), ['a new session while away']);
  assert.ok(doctor.id in answer.sessions[fresh].positions);
});

test('a bare number stands for its seq', async () => {
  const { nurse, doctor, sessionId } = await pair();
  for (const content of ['one', 'two', 'three']) await say(nurse, sessionId, content);
  const back = await connect(doctor.token);
  const short = (await sync(back, { [sessionId]: 1 })).sessions[sessionId];
  const full = (await sync(back, { [sessionId]: { seq: 1, rev: 0 } })).sessions[sessionId];
  assert.deepEqual(short.messages.map((message) => message.content), ['two', 'three']);
  // The first call noted a delivery, which may or may not be seen by the second.
  const lasting = ({ messages, changed, seq, rev, hasMore }) => ({ ids: messages.map((message) => message._id), changed, seq, rev, hasMore });
  assert.deepEqual(lasting(short), lasting(full));
});

test('without a callback the answer comes as a chat:sync event', async () => {
  const { nurse, doctor, sessionId } = await pair();
  await say(nurse, sessionId, 'hello');
  const back = await connect(doctor.token);
  const event = once(back, 'chat:sync');
  back.emit('chat:sync', { sessions: {} });
  assert.equal(accepted(await event).sessions[sessionId].messages.length, 1);
});

test("someone else's session is answered like one that does not exist", async () => {
  const { nurse, sessionId } = await pair();
  await say(nurse, sessionId, 'private');
  const stranger = await register('stranger');
  const outside = await connect(stranger.token);
  for (const position of [0, { seq: 0, rev: 0 }]) {
    const answer = await sync(outside, { [sessionId]: position, [ABSENT_ID]: position });
    assert.deepEqual(Object.keys(answer.sessions), []);
    assert.equal(answer.removed.includes(sessionId), answer.removed.includes(ABSENT_ID));
    assert.ok(!JSON.stringify(answer).includes('private'));
  }
});

test('reading moves a position that a later sync shows, and rev never goes back', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const message = await say(nurse, sessionId, 'read me');
  const office = await connect(doctor.token);
  const start = (await sync(office, {})).sessions[sessionId];
  assert.equal(start.positions[doctor.id].readSeq, 0);
  accepted(await ask(office, 'message:read', { messageId: message._id, userId: doctor.id }));
  const read = (await sync(office, {})).sessions[sessionId];
  assert.equal(read.positions[doctor.id].readSeq, 1);
  assert.ok(read.rev >= start.rev);
  await remove(nurse, message);
  const removed = (await sync(office, {})).sessions[sessionId];
  assert.ok(removed.rev > read.rev, 'a deletion grows rev');
  assert.equal((await history(doctor, sessionId)).data[0].rev, removed.rev);
});
