// Input that must change nothing but a clear answer, over REST. Each kind was somebody's CVE. Around
// every story the session's history, counts and sequence are compared, and the service must still
// serve. The sockets' half is hostile-sockets.test.js.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ABSENT, ABSENT_ID, INVALID, PASSWORD, address, admin, api, brief, declined, granted, history, letter,
  pair, refused, register, say, unusedName,
} from './support.js';
import { OPERATORS, ward } from './ward.js';

/** 400 for what can never be an id, 404 for what could be one: never 200, never 500. */
function turnedAway(answer, what) {
  assert.ok([400, 404].includes(answer.status), `${what}: ${answer.status} ${brief(answer.body)}`);
  declined(answer.body, ...INVALID, ...ABSENT);
}

test('operators and arrays never log anyone in or register anyone', async () => {
  const nurse = await register();
  for (const bad of OPERATORS) {
    for (const body of [
      { username: nurse.username, password: bad }, { username: bad, password: PASSWORD }, { username: bad, password: bad },
    ]) refused(await api('POST', '/api/auth/login', body), 400, ...INVALID);
    for (const field of ['username', 'password', 'realName', 'email', 'phone', 'avatar']) {
      const body = { username: unusedName(), password: PASSWORD, realName: 'Nobody', [field]: bad };
      refused(await api('POST', '/api/auth/register', body), 400, ...INVALID);
    }
  }
});

test('operators and arrays in bodies are refused where an id or a string belongs', async () => {
  const { nurse, sessionId, message, unchanged } = await ward();
  await unchanged(async () => {
    for (const bad of OPERATORS) {
      for (const field of ['sessionId', 'senderId', 'receiverId', 'content', 'messageType', 'clientMsgId', 'fileUrl', 'fileName']) {
        const body = letter(nurse, sessionId, { [field]: bad });
        refused(await api('POST', '/api/chat/messages', body, nurse.token), 400, ...INVALID, 'FILE_REJECTED');
      }
      for (const body of [{ userId1: nurse.id, userId2: bad }, { userId1: bad, userId2: nurse.id }]) {
        refused(await api('POST', '/api/chat/sessions/private', body, nurse.token), 400, ...INVALID);
      }
      refused(await api('PUT', `/api/chat/messages/${message._id}/read`, { userId: bad }, nurse.token), 400, ...INVALID);
      refused(await api('DELETE', `/api/chat/messages/${message._id}`, { userId: bad }, nurse.token), 400, ...INVALID);
    }
  });
});

test('operators in query strings and paths find nothing', async () => {
  const { nurse, sessionId, unchanged } = await ward();
  const get = (path) => api('GET', path, undefined, nurse.token);
  await unchanged(async () => {
    for (const search of ['{"$regex":".*"}', '{"$ne":null}', '.*', '^', '[$ne]', '(a+)+$', '\\', '\u0000']) {
      const started = Date.now();
      const answer = await get(`/api/chat/users?search=${encodeURIComponent(search)}`);
      if (answer.status === 200) assert.deepEqual(answer.body.data, [], `search=${search} is taken literally`);
      else refused(answer, 400, ...INVALID);
      assert.ok(Date.now() - started < 2_000, `search=${search} is slow`);
    }
    const everyone = granted(await get('/api/chat/users')).pagination.total;
    for (const query of ['role[$ne]=admin', 'search[$regex]=.*', 'role[]=admin', 'role=admin&role=user']) {
      const answer = await get(`/api/chat/users?${query}`);
      assert.ok([200, 400].includes(answer.status), `${query}: ${answer.status}`);
      if (answer.status === 200) assert.ok(answer.body.pagination.total <= everyone);
    }
    refused(await get(`/api/chat/users?role=${encodeURIComponent('{"$ne":"admin"}')}`), 400, ...INVALID);
    for (const query of ['page=%7B%22%24gt%22%3A0%7D', 'limit=NaN', 'limit=1e2', 'page=-1', 'afterSeq=%5B%5D', 'beforeSeq=x']) {
      refused(await get(`/api/chat/messages/${sessionId}?${query}`), 400, ...INVALID);
    }
    for (const query of ['page=9223372036854775807', 'page=18446744073709551615', 'afterSeq=9223372036854775807', 'beforeSeq=18446744073709551615']) {
      const answer = await get(`/api/chat/messages/${sessionId}?${query}`);
      if (answer.status !== 200) refused(answer, 400, ...INVALID);
    }
    const ids = ['%7B%22%24ne%22%3Anull%7D', '[]', 'x', '..%2f..%2fusers', `${sessionId}0`, '%00', 'zzzzzzzzzzzzzzzzzzzzzzzz'];
    for (const id of ids) {
      turnedAway(await get(`/api/chat/messages/${id}`), `messages/${id}`);
      turnedAway(await api('PUT', `/api/chat/messages/${id}/read`, { userId: nurse.id }, nurse.token), `read ${id}`);
      turnedAway(await api('DELETE', `/api/chat/messages/${id}`, { userId: nurse.id }, nurse.token), `delete ${id}`);
      for (const path of ['sessions', 'messages/unread', 'stats']) {
        const answer = await get(`/api/chat/${path}/${id}`);
        assert.ok([400, 403, 404].includes(answer.status), `${path}/${id}: ${answer.status}`);
      }
    }
  });
});

test('what belongs to others answers like what does not exist', async () => {
  const { sessionId, message, unchanged } = await ward();
  const stranger = await register('stranger');
  const calls = [
    ['GET', (session) => `/api/chat/messages/${session}`, () => undefined],
    ['GET', (session) => `/api/chat/messages/${session}?afterSeq=0`, () => undefined],
    ['POST', () => '/api/chat/messages', (session) => letter(stranger, session)],
    ['PUT', (session, note) => `/api/chat/messages/${note}/read`, () => ({ userId: stranger.id })],
    ['DELETE', (session, note) => `/api/chat/messages/${note}`, () => ({ userId: stranger.id })],
  ];
  await unchanged(async () => {
    for (const [method, path, body] of calls) {
      const foreign = await api(method, path(sessionId, message._id), body(sessionId), stranger.token);
      const absent = await api(method, path(ABSENT_ID, ABSENT_ID), body(ABSENT_ID), stranger.token);
      refused(foreign, 404, ...ABSENT);
      const blind = (answer) => JSON.stringify(answer.body).replaceAll(/[0-9a-f]{24}/g, 'ID');
      assert.deepEqual([foreign.status, blind(foreign)], [absent.status, blind(absent)], `${method} ${path(sessionId, message._id)}`);
    }
  });
});

test('nobody acts as another, the administrator included', async () => {
  const { nurse, doctor, sessionId, message, unchanged } = await ward();
  const outsider = await register();
  const boss = await admin();
  await unchanged(async () => {
    for (const token of [nurse.token, boss.token]) {
      const attempt = async (method, path, body) => refused(await api(method, path, body, token), 403, 'FORBIDDEN');
      await attempt('POST', '/api/chat/messages', letter(doctor, sessionId));
      await attempt('PUT', `/api/chat/messages/${message._id}/read`, { userId: doctor.id });
      await attempt('POST', '/api/chat/sessions/private', { userId1: doctor.id, userId2: outsider.id });
      await attempt('GET', `/api/chat/messages/unread/${doctor.id}`);
    }
    for (const path of ['sessions', 'stats']) {
      refused(await api('GET', `/api/chat/${path}/${doctor.id}`, undefined, nurse.token), 403, 'FORBIDDEN');
      granted(await api('GET', `/api/chat/${path}/${doctor.id}`, undefined, boss.token));
    }
    refused(await api('DELETE', `/api/chat/messages/${message._id}`, { userId: doctor.id }, nurse.token), 403, 'FORBIDDEN');
    refused(await api('DELETE', `/api/chat/messages/${message._id}`, { userId: nurse.id }, nurse.token), 403, 'FORBIDDEN');
    refused(await api('GET', `/api/chat/messages/${sessionId}`, undefined, boss.token), 404, ...ABSENT);
    refused(await api('PATCH', `/api/chat/users/${nurse.id}`, { role: 'admin' }, nurse.token), 403, 'FORBIDDEN');
    const created = { username: unusedName(), password: PASSWORD, realName: 'Nobody', role: 'admin' };
    refused(await api('POST', '/api/chat/users', created, nurse.token), 403, 'FORBIDDEN');
  });
  assert.equal(granted(await api('GET', '/api/auth/me', undefined, nurse.token)).data.role, 'user');
});

test('server-owned fields in a body are never obeyed', async () => {
  const long = '2001-01-01T00:00:00.000Z';
  const forged = { _id: ABSENT_ID, role: 'admin', isActive: false, createdAt: long, updatedAt: long, passwordHash: 'x', status: 'online' };
  const username = unusedName();
  const registered = await api('POST', '/api/auth/register', { username, password: PASSWORD, realName: 'Li', ...forged });
  if (registered.status === 201) {
    const { user, token } = registered.body.data;
    assert.equal(user.role, 'user');
    assert.notEqual(user._id, ABSENT_ID);
    const me = granted(await api('GET', '/api/auth/me', undefined, token)).data;
    assert.deepEqual([me.role, me._id], ['user', user._id]);
    assert.ok(!JSON.stringify(me).includes(long));
  } else refused(registered, 400, ...INVALID);

  const { nurse, doctor, sessionId } = await pair();
  const fields = { _id: ABSENT_ID, seq: 999, rev: 999, sender: doctor.id, createdAt: long, updatedAt: long, status: 'read', isDeleted: true, readBy: [{ user: doctor.id, readAt: long }] };
  const sent = await api('POST', '/api/chat/messages', letter(nurse, sessionId, fields), nurse.token);
  const stored = (await history(nurse, sessionId)).data;
  if (sent.status === 201) {
    assert.equal(stored.length, 1);
    const [message] = stored;
    assert.deepEqual([message.seq, message.sender, message.status, message.readBy], [1, nurse.id, 'sent', []]);
    assert.ok(message._id !== ABSENT_ID && !message.isDeleted && !JSON.stringify(message).includes(long), brief(message));
  } else {
    refused(sent, 400, ...INVALID);
    assert.deepEqual(stored, []);
  }
});

test('an oversized body is answered 413, also to a client that sends it whole before it reads', async () => {
  const { nurse, sessionId, unchanged } = await ward();
  const body = letter(nurse, sessionId, { content: 'x'.repeat(5 * 1024 * 1024) });
  await unchanged(async () => {
    for (let round = 1; round <= 5; round += 1) {
      for (const [path, token] of [['/api/chat/messages', nurse.token], ['/api/auth/register', undefined]]) {
        const answer = await api('POST', path, body, token).catch(({ message, cause }) => assert.fail(`${path}: ${message} (${cause?.code})`));
        refused(answer, 413);
      }
    }
  });
});

test('bodies that are no JSON object, and other content types, are refused', async () => {
  const { nurse, unchanged } = await ward();
  const send = (body, headers) => api('POST', '/api/chat/messages', body, nurse.token, headers);
  const deep = '['.repeat(50_000);
  await unchanged(async () => {
    for (const body of ['{', '', '[]', 'null', '"text"', '{"content": "\\ud800"}', deep, '{"a":'.repeat(5_000), '\u0000']) {
      refused(await send(body), 400, ...INVALID);
    }
    for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/xml', 'multipart/form-data; boundary=x']) {
      refused(await send('{"content":"x"}', { 'content-type': type }), 415);
    }
  });
});

test('pages and limits out of range list every bad field', async () => {
  const { nurse, sessionId } = await ward();
  for (const [path, most] of [[`messages/${sessionId}`, 100], [`sessions/${nurse.id}`, 100], ['users', 1000]]) {
    for (const [page, limit] of [[0, 0], [-1, most + 1], ['x', 'y'], ['1.5', '2.5']]) {
      const answer = await api('GET', `/api/chat/${path}?page=${page}&limit=${limit}`, undefined, nurse.token);
      const named = JSON.stringify(refused(answer, 400, 'VALIDATION_FAILED').details);
      assert.ok(named?.includes('"page"') && named.includes('"limit"'), `${path}: details ${named}`);
    }
    granted(await api('GET', `/api/chat/${path}?page=1&limit=${most}`, undefined, nurse.token));
  }
  const missing = letter(nurse, undefined, { messageType: 'hologram', clientMsgId: 'x'.repeat(65) });
  for (const [path, body, fields] of [
    ['/api/auth/register', { username: 'a b', password: 'short' }, ['username', 'password']],
    ['/api/chat/messages', missing, ['sessionId', 'messageType', 'clientMsgId']],
  ]) {
    const named = JSON.stringify(refused(await api('POST', path, body, nurse.token), 400, ...INVALID).details);
    for (const field of fields) assert.ok(named?.includes(`"${field}"`), `${path}: details ${named}`);
  }
});

test('eight thousand characters pass in any script, one more does not', async () => {
  const { nurse, sessionId } = await pair();
  const stored = await say(nurse, sessionId, '护'.repeat(8_000));
  assert.equal(stored.content.length, 8_000);
  for (const letterform of ['护', 'x']) {
    const body = letter(nurse, sessionId, { content: letterform.repeat(8_001) });
    refused(await api('POST', '/api/chat/messages', body, nurse.token), 413, 'MESSAGE_TOO_LARGE');
  }
  assert.equal((await history(nurse, sessionId)).pagination.total, 1);
});

test('a fileUrl leads nowhere but to our own files', async () => {
  const { nurse, sessionId, unchanged } = await ward();
  await unchanged(async () => {
    for (const fileUrl of [
      'https://evil.example/x.png', '//evil.example/x.png', 'javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd',
      `${address}@evil.example/x`, '/\\evil.example/x', '/api/chat/files/../../auth/me', '/api/chat/files/', 'http://127.0.0.1:27017/',
    ]) {
      for (const messageType of ['image', 'file', 'voice', 'text']) {
        const body = letter(nurse, sessionId, { messageType, fileUrl, fileName: 'x.png', fileSize: 1 });
        refused(await api('POST', '/api/chat/messages', body, nurse.token), 400, ...INVALID, 'FILE_REJECTED');
      }
    }
  });
});

test('forged forwarding headers do no harm', async () => {
  const nurse = await register();
  const password = 'wrong-password';
  for (const forwarded of ['1.2.3.4', '127.0.0.1, 10.0.0.1', 'unknown', '{"$ne":null}', '::ffff:1.2.3.4', ',,,', 'x'.repeat(4_000)]) {
    const headers = { 'x-forwarded-for': forwarded, 'x-real-ip': forwarded, forwarded: `for=${forwarded}`, 'x-forwarded-host': 'evil.example' };
    const body = { username: nurse.username, password };
    refused(await api('POST', '/api/auth/login', body, undefined, headers), 401, 'AUTH_FAILED');
    const answer = granted(await api('GET', '/api/auth/me', undefined, nurse.token, headers));
    assert.ok(!JSON.stringify(answer).includes('evil.example'));
  }
});

test('huge paths, queries and headers are refused or ignored, never fatal', async () => {
  const { nurse, sessionId, unchanged } = await ward();
  await unchanged(async () => {
    for (const path of [`/api/chat/messages/${'a'.repeat(60_000)}`, `/api/${'chat/'.repeat(10_000)}`, `/api/chat/messages/${sessionId}?${'limit=1&'.repeat(5_000)}`]) {
      const answer = await api('GET', path, undefined, nurse.token).catch((error) => ({ status: `closed: ${error.message}` }));
      assert.ok(!(answer.status >= 500), `${path.slice(0, 40)}: ${answer.status}`);
    }
    const bare = await api('GET', `/api/chat/messages/${sessionId}`, undefined, 'x'.repeat(12_000));
    assert.ok([401, 431, 400].includes(bare.status), `${bare.status}`);
  });
});

test('no answer carries a password or its hash', async () => {
  const { nurse, sessionId } = await ward();
  for (const path of ['auth/me', 'chat/users', 'chat/users/online', `chat/sessions/${nurse.id}`, `chat/messages/${sessionId}`]) {
    const text = JSON.stringify(granted(await api('GET', `/api/${path}`, undefined, nurse.token)));
    assert.doesNotMatch(text, /"[^"]*(password|argon2|jti|\$oid|ipAddress)[^"]*"/i, path);
  }
});
