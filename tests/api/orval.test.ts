// The client that orval makes from the document: it compiles, and it talks to a running service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as api from './generated/orval.js';
import { actWith } from './orval-fetch.js';

test('orval: sign in, find somebody, send, read', async () => {
  const signedIn = await api.accountsLogin({ username: 'nurse.li', password: 'wardline-demo' });
  assert.equal(signedIn.status, 200);
  const { user, token, expiresAt } = signedIn.data.data;
  assert.ok(Date.parse(expiresAt) > Date.now());
  assert.equal(user.role, api.UserRole.nurse);
  actWith(token);

  const found = await api.usersList({ search: 'dr.chen', role: 'doctor', limit: 5 });
  assert.equal(found.status, 200);
  const [chen] = found.data.data;
  assert.equal(chen?.username, 'dr.chen');
  assert.equal(found.data.pagination.total, 1);

  const opened = await api.sessionsOpenPrivate({ userId1: user._id, userId2: chen._id });
  assert.ok(opened.status === 200 || opened.status === 201);
  const session = opened.data.data;
  assert.equal(session.sessionType, 'private');

  const content = `from orval ${Date.now()}`;
  const sent = await api.messagesSend({ sessionId: session._id, senderId: user._id, content, mentions: [chen._id] });
  assert.equal(sent.status, 201);
  const history = await api.messagesHistory(session._id, { limit: 10 });
  assert.equal(history.status, 200);
  const newest = history.data.data.at(-1);
  assert.deepEqual([newest?._id, newest?.content, newest?.seq], [sent.data.data._id, content, sent.data.data.seq]);

  const refused = await api.messagesHistory('0'.repeat(24));
  assert.equal(refused.status, 404);
  assert.equal(refused.data.code, api.FailureCode.CONVERSATION_NOT_FOUND);
});
