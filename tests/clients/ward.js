// The scene of the hostile stories: a session with something in it, and a guard that compares all of it
// before and after, so that "changes nothing" is checked and not assumed.
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { api, granted, pair, pause, say, unread, until, wholeHistory } from './support.js';

/** What a query language would obey and a string field must refuse. */
export const OPERATORS = [
  { $ne: null }, { $regex: '.*' }, { $gt: '' }, { $where: 'sleep(1000)' }, { $oid: 'aaaaaaaaaaaaaaaaaaaaaaaa' }, ['x'], [], {}, 7, true,
];

/** A nurse and a doctor who each said something; `unchanged(attack)` runs it and compares. */
export async function ward() {
  const { nurse, doctor, sessionId } = await pair();
  await say(nurse, sessionId, 'from the nurse');
  const message = await say(doctor, sessionId, 'from the doctor');

  async function state() {
    const listed = granted(await api('GET', `/api/chat/sessions/${nurse.id}`, undefined, nurse.token));
    return {
      history: await wholeHistory(nurse, sessionId),
      unread: [await unread(nurse), await unread(doctor)],
      sessions: listed.data.map(({ _id, seq, rev, unreadCount, participants }) => ({ _id, seq, rev, unreadCount, participants })),
      total: listed.pagination.total,
    };
  }

  /** The state once what the setting up set going (deliveries) has come to rest. */
  async function atRest() {
    let last = await state();
    return until('the scene comes to rest', async () => {
      await pause(100);
      const now = await state();
      const same = isDeepStrictEqual(now, last);
      last = now;
      return same && now;
    });
  }

  async function unchanged(attack) {
    const before = await atRest();
    await attack();
    assert.deepEqual(await state(), before, 'the attack changed something');
    const health = await api('GET', '/api/health');
    assert.deepEqual([health.status, health.body.status], [200, 'ok']);
  }

  return { nurse, doctor, sessionId, message, unchanged };
}
