// Order and exactly once: what one person says stays in the order it was said, everyone sees the one
// order of a session, and a repeated send is the message it repeats.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  WAIT, accepted, api, ask, granted, history, join, letter, notes, pair, pause, pipeline, privateSession,
  recorded, register, say, until, unread, wholeHistory,
} from './support.js';

const numbersTo = (last, first = 1) => Array.from({ length: last - first + 1 }, (_, index) => first + index);

/** The `seq`s of a session as one socket heard them, its own messages and the others'. */
const heardSeqs = (socket, sessionId) =>
  socket.record
    .filter(({ event, data }) => ['message:sent', 'message:receive'].includes(event) && data.message.sessionId === sessionId)
    .map(({ data }) => data.message.seq);

test('two thousand pipelined messages keep their order everywhere', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, tablet, office] = [await join(nurse), await join(nurse), await join(doctor)];
  const messages = notes(2_000);
  const answers = await pipeline(bedside, nurse, sessionId, messages);

  const stored = answers.map(accepted);
  assert.deepEqual(stored.map((message) => message.seq), numbersTo(2_000), 'acknowledged in the order sent');
  assert.deepEqual(stored.map((message) => message.clientMsgId), messages.map((message) => message.clientMsgId));

  const read = await wholeHistory(doctor, sessionId);
  assert.deepEqual(read.map((message) => [message.seq, message.content]),
    messages.map((message, index) => [index + 1, message.content]));

  for (const [who, socket] of [['the receiver', office], ["the sender's socket", bedside], ["the sender's other socket", tablet]]) {
    await until(`${who} has heard all`, () => heardSeqs(socket, sessionId).length >= 2_000, 3 * WAIT);
    assert.deepEqual(heardSeqs(socket, sessionId), numbersTo(2_000), `${who} hears each once, in order`);
  }
  assert.equal((await unread(doctor)).unreadCount, 2_000);
});

test('history reads backwards and forwards by seq', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const bedside = await join(nurse);
  (await pipeline(bedside, nurse, sessionId, notes(120))).forEach(accepted);
  const seqs = async (query) => (await history(doctor, sessionId, query)).data.map((message) => message.seq);
  assert.deepEqual(await seqs('?beforeSeq=51&limit=20'), numbersTo(50, 31));
  assert.deepEqual(await seqs('?afterSeq=50&limit=20'), numbersTo(70, 51));
  assert.deepEqual(await seqs('?afterSeq=110'), numbersTo(120, 111));
  assert.deepEqual(await seqs('?beforeSeq=1'), []);
  assert.deepEqual(await seqs('?afterSeq=120'), []);
  assert.deepEqual(await seqs(''), numbersTo(120, 71), 'page 1 holds the newest fifty');
  assert.deepEqual(await seqs('?page=3&limit=50'), numbersTo(20));
  assert.deepEqual(await seqs('?page=10000&limit=50'), []);
});

test('two people talking at once see one order, each hearing it in seq order', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const [ofNurse, ofDoctor] = await Promise.all([
    pipeline(bedside, nurse, sessionId, notes(300, 'nurse')),
    pipeline(office, doctor, sessionId, notes(300, 'doctor')),
  ]);
  for (const own of [ofNurse, ofDoctor]) {
    const seqs = own.map((answer) => accepted(answer).seq);
    assert.deepEqual(seqs, seqs.toSorted((one, other) => one - other), 'each keeps their own order');
  }
  for (const socket of [bedside, office]) {
    await until('all six hundred are heard', () => heardSeqs(socket, sessionId).length >= 600);
    assert.deepEqual(heardSeqs(socket, sessionId), numbersTo(600));
  }
  const [one, other] = [await wholeHistory(nurse, sessionId), await wholeHistory(doctor, sessionId)];
  assert.deepEqual(one.map((message) => message._id), other.map((message) => message._id));
});

test('the same clientMsgId again is the first message, over whichever door', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, tablet, office] = [await join(nurse), await join(nurse), await join(doctor)];
  const clientMsgId = `retry-${nurse.id}`;
  const payload = (content) => letter(nurse, sessionId, { content, clientMsgId });
  const first = accepted(await ask(bedside, 'message:send', payload('as first said')));

  const repeats = [
    accepted(await ask(bedside, 'message:send', payload('as first said'))),
    accepted(await ask(tablet, 'message:send', payload('said otherwise'))),
    accepted((await api('POST', '/api/chat/messages', payload('as first said'), nurse.token)).body),
  ];
  for (const repeat of repeats) {
    assert.deepEqual([repeat._id, repeat.seq, repeat.content], [first._id, 1, 'as first said']);
  }
  await pause(300);
  assert.equal((await history(doctor, sessionId)).pagination.total, 1);
  assert.equal((await unread(doctor)).unreadCount, 1);
  assert.equal(recorded(office, 'message:receive').length, 1, 'the receiver hears it once');
});

test('many copies at the same moment are one message', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, tablet, office] = [await join(nurse), await join(nurse), await join(doctor)];
  for (let round = 1; round <= 10; round += 1) {
    const payload = letter(nurse, sessionId, { clientMsgId: `copies-${round}-${nurse.id}` });
    const copies = await Promise.all([
      ...numbersTo(10).map(() => ask(bedside, 'message:send', payload)),
      ...numbersTo(10).map(() => ask(tablet, 'message:send', payload)),
      ...numbersTo(5).map(async () => (await api('POST', '/api/chat/messages', payload, nurse.token)).body),
    ]);
    const ids = new Set(copies.map((answer) => accepted(answer)._id));
    assert.equal(ids.size, 1, `round ${round} made ${ids.size} messages`);
  }
  const stored = await wholeHistory(doctor, sessionId);
  assert.deepEqual(stored.map((message) => message.seq), numbersTo(10), 'no gaps are left by the copies');
  await until('all ten are heard', () => heardSeqs(office, sessionId).length >= 10);
  await pause(200);
  assert.deepEqual(heardSeqs(office, sessionId), numbersTo(10));
});

test('another sender may use the same clientMsgId', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const clientMsgId = `shared-${sessionId}`;
  const one = accepted(await ask(bedside, 'message:send', letter(nurse, sessionId, { clientMsgId })));
  const other = accepted(await ask(office, 'message:send', letter(doctor, sessionId, { clientMsgId })));
  assert.notEqual(one._id, other._id);
  assert.equal((await history(nurse, sessionId)).pagination.total, 2);
});

test('two people have one private session, also when both make it at the same moment', async () => {
  for (let round = 0; round < 5; round += 1) {
    const [nurse, doctor] = await Promise.all([register(), register('doctor')]);
    const made = await Promise.all([
      ...numbersTo(5).map(() => privateSession(nurse, doctor)),
      ...numbersTo(5).map(() => privateSession(doctor, nurse)),
    ]);
    assert.equal(new Set(made.map((session) => session._id)).size, 1);
    const listed = await api('GET', `/api/chat/sessions/${nurse.id}`, undefined, nurse.token);
    assert.equal(listed.body.pagination.total, 1);
  }
});

test('unread counts equal counting while both talk and read at once', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const said = await Promise.all([
    pipeline(bedside, nurse, sessionId, notes(100, 'nurse')),
    pipeline(office, doctor, sessionId, notes(100, 'doctor')),
  ]);
  const late = accepted(said[0][80]);
  const early = accepted(said[0][10]);
  const read = (message) => ask(office, 'message:read', { messageId: message._id, userId: doctor.id });
  accepted(await read(late));
  const after = await unread(doctor);
  accepted(await read(early)); // a receipt never goes back
  assert.deepEqual(await unread(doctor), after);

  const stored = await wholeHistory(doctor, sessionId);
  const counted = stored.filter((message) => message.sender === nurse.id && message.seq > late.seq).length;
  assert.equal(after.unreadCount, counted);
  const [session] = (await api('GET', `/api/chat/sessions/${doctor.id}`, undefined, doctor.token)).body.data;
  assert.equal(session.unreadCount[doctor.id], counted);
  assert.equal(session.unread, counted);
  assert.equal(session.seq, 200);
});

test('sessions are listed by their newest activity, each with profiles, preview and count', async () => {
  const [doctor, ...nurses] = await Promise.all([register('doctor'), register(), register(), register()]);
  const sessions = [];
  for (const nurse of nurses) sessions.push((await privateSession(nurse, doctor))._id);
  for (const index of [2, 0, 1, 0]) await say(nurses[index], sessions[index], `from nurse ${index}`);

  const list = async (query) => granted(await api('GET', `/api/chat/sessions/${doctor.id}${query}`, undefined, doctor.token));
  const { data } = await list('');
  assert.deepEqual(data.map((session) => session._id), [sessions[0], sessions[1], sessions[2]]);
  assert.deepEqual(data.map((session) => session.unread), [2, 1, 1]);
  assert.deepEqual(data[0].participantProfiles.map((profile) => profile._id).toSorted(), [nurses[0].id, doctor.id].toSorted());
  assert.match(JSON.stringify(data[0].lastMessagePreview), /from nurse 0/);
  const second = await list('?page=2&limit=2');
  assert.deepEqual(second.data.map((session) => session._id), [sessions[2]]);
  assert.deepEqual(second.pagination, { page: 2, limit: 2, total: 3, current: 2, totalCount: 3, pages: 2, hasMore: false });
});
