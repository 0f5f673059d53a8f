// Whole conversations with the official client: groups, and what becomes of messages after they were
// written. Each change is heard by those who were there, and found by `chat:sync` by those who were not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ABSENT, accepted, api, ask, connect, declined, granted, heard, history, INVALID, join, letter, pause,
  privateSession, recorded, refused, register, say, unread, until,
} from './support.js';

const path = (message, tail = '') => `/api/chat/messages/${message._id}${tail}`;
const sync = async (socket, sessions) => accepted(await ask(socket, 'chat:sync', { sessions }));

/** A nurse with a group of a doctor and a colleague. */
async function ward() {
  const [nurse, doctor, colleague] = await Promise.all([register('nurse'), register('doctor'), register('colleague')]);
  const body = { sessionName: 'Ward 3', participants: [doctor.id, colleague.id] };
  const { data: group } = granted(await api('POST', '/api/chat/sessions/group', body, nurse.token), 201);
  return { nurse, doctor, colleague, group, groupId: group._id };
}

const regroup = (person, groupId, method, tail, body) =>
  api(method, `/api/chat/sessions/${groupId}${tail}`, body, person.token);

test('a new group is told to everybody in it, with their roles', async () => {
  const [nurse, doctor] = await Promise.all([register('nurse'), register('doctor')]);
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const body = { sessionName: 'Ward 3', participants: [doctor.id], avatar: '/img/ward.png' };
  const { data: group } = granted(await api('POST', '/api/chat/sessions/group', body, nurse.token), 201);
  for (const socket of [bedside, office]) {
    const { session, members } = await heard(socket, 'session:created');
    assert.deepEqual([session._id, session.sessionType, session.sessionName], [group._id, 'group', 'Ward 3']);
    assert.deepEqual(members.map(({ userId, role }) => [userId, role]).sort(),
      [[nurse.id, 'owner'], [doctor.id, 'member']].sort());
  }
  const listed = granted(await api('GET', `/api/chat/sessions/${doctor.id}`, undefined, doctor.token)).data;
  assert.deepEqual([listed[0].role, listed[0].muted, listed[0].unread], ['member', false, 0]);
});

test('a message reaches the whole group once, in one order', async () => {
  const { nurse, doctor, colleague, groupId } = await ward();
  const sockets = [await join(nurse), await join(doctor), await join(colleague)];
  const answers = await Promise.all([nurse, doctor, colleague].flatMap((person, index) =>
    Array.from({ length: 10 }, (_, number) =>
      ask(sockets[index], 'message:send', letter(person, groupId, { content: `note ${number}` })))));
  answers.forEach(accepted);
  for (const socket of sockets) {
    const seqs = () => socket.record
      .filter(({ event }) => event === 'message:sent' || event === 'message:receive')
      .map(({ data }) => data.message.seq);
    await until('all thirty are heard', () => seqs().length === 30);
    assert.deepEqual(seqs(), Array.from({ length: 30 }, (_, index) => index + 1));
  }
  assert.equal((await unread(nurse)).bySession[groupId], 20);
});

test('edits, reactions and recalls are heard, and found by who was away', async () => {
  const { nurse, doctor, colleague, groupId } = await ward();
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const away = await connect(colleague.token);
  const first = await say(nurse, groupId, 'first', { mentions: [doctor.id] });
  const second = await say(nurse, groupId, 'second');
  const third = await say(doctor, groupId, 'third', { replyTo: first._id });
  const known = (await sync(away, {})).sessions[groupId];
  away.close();

  const edited = accepted(await ask(bedside, 'message:edit', { messageId: first._id, content: 'first, corrected' }));
  assert.ok(edited.editedAt && edited.rev > 0);
  accepted(await ask(office, 'message:react', { messageId: first._id, emoji: '👍' }));
  accepted(await ask(bedside, 'message:recall', { messageId: second._id }));
  accepted(await ask(office, 'message:delete', { messageId: third._id }));

  const updated = await heard(office, 'message:updated');
  assert.deepEqual([updated.messageId, updated.content, updated.mentions], [first._id, 'first, corrected', [doctor.id]]);
  const reaction = await heard(bedside, 'message:reaction');
  assert.deepEqual(reaction.reactions, [{ emoji: '👍', users: [doctor.id] }]);
  assert.equal((await heard(office, 'message:recalled')).messageId, second._id);
  assert.equal((await heard(bedside, 'message:deleted')).messageId, third._id);

  const back = await connect(colleague.token);
  const now = (await sync(back, { [groupId]: { seq: known.seq, rev: known.rev } })).sessions[groupId];
  assert.deepEqual(now.messages, []);
  assert.deepEqual(now.changed.map(({ _id }) => _id).sort(), [first, second, third].map(({ _id }) => _id).sort());
  const found = Object.fromEntries(now.changed.map((message) => [message._id, message]));
  assert.deepEqual([found[first._id].content, found[first._id].reactions.length], ['first, corrected', 1]);
  assert.ok(found[second._id].recalledAt && found[second._id].isDeleted && !found[second._id].content);
  assert.ok(!found[third._id].recalledAt && found[third._id].isDeleted && !found[third._id].replyTo);
  assert.equal((await unread(colleague)).bySession[groupId], 1);
});

test('members come and go: the removed hear that, and nothing after it', async () => {
  const { nurse, doctor, colleague, groupId } = await ward();
  const late = await register('late');
  const [bedside, gone, newcomer] = [await join(nurse), await join(colleague), await join(late)];
  const before = await say(doctor, groupId, 'before');
  granted(await regroup(nurse, groupId, 'DELETE', `/participants/${colleague.id}`));
  const removed = await heard(gone, 'session:removed');
  assert.deepEqual([removed.sessionId, removed.reason, removed.by], [groupId, 'removed', nurse.id]);
  granted(await regroup(nurse, groupId, 'POST', '/participants', { userIds: [late.id] }));
  await heard(newcomer, 'session:created', ({ session }) => session._id === groupId);
  const after = await say(doctor, groupId, 'after');
  await heard(newcomer, 'message:receive', ({ message }) => message._id === after._id);
  assert.deepEqual((await history(late, groupId)).data.map((message) => message.system ?? message.content), ['joined', 'after']);
  const updated = await heard(bedside, 'session:updated', ({ joined }) => joined.length > 0);
  assert.deepEqual(updated.joined.map(({ userId, role }) => [userId, role]), [[late.id, 'member']]);

  await pause(300);
  const place = gone.record.findIndex(({ event }) => event === 'session:removed');
  assert.ok(!JSON.stringify(gone.record.slice(place + 1)).includes(groupId), 'something came after the removal');
  refused(await api('GET', `/api/chat/messages/${groupId}`, undefined, colleague.token), 404, ...ABSENT);
  refused(await api('GET', path(before, '/receipts'), undefined, colleague.token), 404, ...ABSENT);
  declined(await ask(gone, 'message:send', letter(colleague, groupId)), ...ABSENT);
  declined(await ask(gone, 'message:react', { messageId: before._id, emoji: '👍' }), ...ABSENT);
  assert.deepEqual((await sync(gone, { [groupId]: 0 })).removed, [groupId]);
  refused(await regroup(nurse, groupId, 'DELETE', `/participants/${nurse.id}`), 409, 'CONFLICT');
});

test('in a group the sender hears counts; everybody may see who has read', async () => {
  const { nurse, doctor, colleague, groupId } = await ward();
  const bedside = await join(nurse);
  const [office, desk] = [await join(doctor), await join(colleague)];
  const message = await say(nurse, groupId, 'who has read this?');
  const read = accepted(await ask(office, 'session:read', { sessionId: groupId, seq: message.seq }));
  assert.deepEqual(read, { readCount: 1, unreadCount: 0 });
  accepted(await ask(desk, 'message:read', { messageId: message._id, userId: colleague.id }));
  const counted = await heard(bedside, 'message:status', ({ readCount }) => readCount === 2);
  assert.deepEqual([counted.messageId, counted.deliveredCount, counted.status], [message._id, 2, 'read']);
  assert.ok(recorded(bedside, 'message:status').every(({ userId }) => userId === undefined), 'counts, not names');
  const receipts = granted(await api('GET', path(message, '/receipts'), undefined, colleague.token)).data;
  assert.deepEqual(receipts.receipts.map(({ userId }) => userId).sort(), [doctor.id, colleague.id].sort());
  assert.ok(receipts.receipts.every(({ deliveredAt, readAt }) => Date.parse(deliveredAt) <= Date.parse(readAt)));
});

test('forwarding is all or nothing, and a repeat is harmless', async () => {
  const { nurse, doctor, groupId } = await ward();
  const other = await register('other');
  const { _id: target } = await privateSession(nurse, other);
  const { _id: foreign } = await privateSession(doctor, other);
  const bedside = await join(nurse);
  const [one, two] = [await say(nurse, groupId, 'one'), await say(doctor, groupId, 'two')];
  const request = { messageIds: [one._id, two._id], toSessionIds: [target], mode: 'each', clientMsgId: 'fw' };
  declined(await ask(bedside, 'message:forward', { ...request, toSessionIds: [target, foreign] }), ...ABSENT);
  assert.deepEqual((await history(other, target)).data, []);
  const { messages } = accepted(await ask(bedside, 'message:forward', request));
  const again = accepted(await ask(bedside, 'message:forward', request));
  assert.deepEqual(again.messages.map(({ _id }) => _id), messages.map(({ _id }) => _id));
  const arrived = (await history(other, target)).data;
  assert.deepEqual(arrived.map(({ content, forwardedFrom }) => [content, forwardedFrom.sender]),
    [['one', nurse.id], ['two', doctor.id]]);
  const merged = accepted(await ask(bedside, 'message:forward', { ...request, mode: 'merged', clientMsgId: 'fw2' }));
  assert.deepEqual(merged.messages[0].merged.map(({ content }) => content), ['one', 'two']);
});

test('operators and malformed input change nothing', async () => {
  const { nurse, groupId } = await ward();
  const bedside = await join(nurse);
  const message = await say(nurse, groupId, 'as it is');
  const before = (await history(nurse, groupId)).data;
  for (const bad of [{ $ne: null }, { $in: [] }, [], 7, true]) {
    declined(await ask(bedside, 'message:edit', { messageId: bad, content: 'x' }), ...INVALID);
    declined(await ask(bedside, 'message:edit', { messageId: message._id, content: bad }), ...INVALID);
    declined(await ask(bedside, 'message:recall', { messageId: bad }), ...INVALID);
    declined(await ask(bedside, 'message:delete', { messageId: bad }), ...INVALID);
    declined(await ask(bedside, 'message:react', { messageId: message._id, emoji: bad }), ...INVALID);
    declined(await ask(bedside, 'message:forward', { messageIds: bad, toSessionIds: [groupId] }), ...INVALID);
    declined(await ask(bedside, 'message:forward', { messageIds: [message._id], toSessionIds: [bad] }), ...INVALID);
    declined(await ask(bedside, 'session:read', { sessionId: bad, seq: 1 }), ...INVALID);
    if (bad !== 7) declined(await ask(bedside, 'session:read', { sessionId: groupId, seq: bad }), ...INVALID);
    declined(await ask(bedside, 'message:send', letter(nurse, groupId, { mentions: bad.length === 0 ? [bad] : bad })), ...INVALID);
    refused(await regroup(nurse, groupId, 'PATCH', '', { sessionName: bad }), 400, ...INVALID);
    refused(await regroup(nurse, groupId, 'POST', '/participants', { userIds: [bad] }), 400, ...INVALID);
    refused(await regroup(nurse, groupId, 'PATCH', `/participants/${nurse.id}`, { role: bad }), 400, ...INVALID);
  }
  const essence = (messages) => messages.map(({ _id, seq, rev, content }) => [_id, seq, rev, content]);
  assert.deepEqual(essence((await history(nurse, groupId)).data), essence(before));
});
