// Coming in, staying and being shown out: who gets a connection, that nothing said at its very start
// is lost, and that a token's end is its sockets' end.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  POLLING, WAIT, WEBSOCKET, accepted, address, admin, api, ask, connect, granted, heard, join, letter,
  login, open, once, pair, pause, privateSession, recorded, refusal, refused, register, say, unread, until,
} from './support.js';

const base64url = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** The token with other claims under the old signature, and with no signature at all. */
function forgeries(token) {
  const [header, payload, signature] = token.split('.');
  const claims = { ...JSON.parse(Buffer.from(payload, 'base64url')), role: 'admin' };
  return {
    'other claims': [header, base64url(claims), signature].join('.'),
    'no signature': [header, payload, ''].join('.'),
    'algorithm none': [base64url({ alg: 'none', typ: 'JWT' }), base64url(claims), ''].join('.'),
    'cut short': token.slice(0, -4),
  };
}

test('a missing, bad or forged token refuses the connection, over both transports', async () => {
  const nurse = await register();
  const bad = { ...forgeries(nurse.token), missing: undefined, empty: '', 'not a token': 'abc', 'only dots': '..' };
  for (const [kind, token] of Object.entries(bad)) {
    for (const transports of [WEBSOCKET, POLLING]) {
      assert.equal(await refusal(open(token, transports)), 'AUTH_FAILED', `${kind} over ${transports}`);
    }
    refused(await api('GET', '/api/auth/me', undefined, token), 401, 'AUTH_FAILED');
  }
});

test('the token may come in the Authorization header', async () => {
  const nurse = await register();
  for (const transports of [WEBSOCKET, POLLING]) {
    const options = { extraHeaders: { Authorization: `Bearer ${nurse.token}` } };
    const socket = await connect(undefined, transports, options);
    accepted(await ask(socket, 'user:join', { id: nurse.id, username: nurse.username }));
    const wrong = { extraHeaders: { Authorization: 'Bearer abc' } };
    assert.equal(await refusal(open(undefined, transports, wrong)), 'AUTH_FAILED');
  }
});

test('of a thousand connections none loses what it says at once', async () => {
  const people = await Promise.all(Array.from({ length: 10 }, () => register()));
  const unanswered = [];
  let answered = 0;

  async function comeAndSpeak(index) {
    const person = people[index % people.length];
    const socket = open(person.token);
    const early = new Promise((resolve, reject) => { // buffered by the client until it is connected
      socket.timeout(3 * WAIT).emit('user:join', { id: person.id, username: person.username },
        (error, answer) => (error ? reject(new Error('buffered user:join')) : resolve(answer)));
    });
    const direct = new Promise((resolve, reject) => {
      socket.on('connect_error', reject);
      socket.on('connect', () => socket.timeout(3 * WAIT).emit('unread:count', person.id,
        (error, answer) => (error ? reject(new Error('unread:count in connect')) : resolve(answer))));
    });
    const withoutCallback = once(socket, 'user:joined', undefined, 3 * WAIT);
    const results = await Promise.allSettled([early, direct, withoutCallback]);
    for (const result of results) {
      if (result.status === 'fulfilled' && result.value.success) answered += 1;
      else unanswered.push(`connection ${index}: ${result.reason?.message ?? JSON.stringify(result.value)}`);
    }
    socket.close();
  }

  for (let start = 0; start < 1_000; start += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, offset) => comeAndSpeak(start + offset)));
    if (unanswered.length > 100) break; // hopeless: don't wait for the rest
  }
  assert.deepEqual(unanswered.slice(0, 5), [], `${unanswered.length} lost`);
  assert.equal(answered, 3_000);
});

test('nor when connections come one by one while others register', async () => {
  const nurse = await register();
  let busy = true;
  const registering = (async () => {
    while (busy) await register();
  })();
  try {
    const refusals = [];
    for (let index = 0; index < 300; index += 1) {
      const socket = open(nurse.token);
      const answer = await new Promise((resolve, reject) => {
        socket.on('connect_error', reject);
        socket.on('connect', () => ask(socket, 'unread:count', nurse.id).then(resolve, reject));
      });
      if (!answer.success) refusals.push(`connection ${index}: ${answer.code}`);
      socket.close();
    }
    assert.deepEqual(refusals.slice(0, 5), [], `${refusals.length} of 300 refused`);
  } finally {
    busy = false;
    await registering;
  }
});

test('an event sent in connect without a callback is answered too', async () => {
  const { nurse, sessionId } = await pair();
  for (const transports of [WEBSOCKET, POLLING, null]) {
    const socket = open(nurse.token, transports);
    socket.emit('message:send', letter(nurse, sessionId, { content: 'before connect' }));
    socket.on('connect', () => socket.emit('message:send', letter(nurse, sessionId, { content: 'in connect' })));
    await heard(socket, 'message:sent', (event) => event.message.content === 'in connect');
    const said = recorded(socket, 'message:sent').map((event) => event.message.content);
    assert.deepEqual(said, ['before connect', 'in connect']);
    socket.close();
  }
});

test('logging out closes the sockets of that token and no others, and ends it', async () => {
  const nurse = await register();
  const elsewhere = await login(nurse.username, nurse.password);
  const [websocket, polling] = [await connect(nurse.token), await connect(nurse.token, POLLING)];
  const other = await connect(elsewhere.token);

  granted(await api('POST', '/api/auth/logout', undefined, nurse.token));
  await until('both sockets of the token are closed', () => !websocket.connected && !polling.connected);
  refused(await api('GET', '/api/auth/me', undefined, nurse.token), 401, 'AUTH_FAILED');
  assert.equal(await refusal(open(nurse.token)), 'AUTH_FAILED');

  assert.ok(other.connected);
  accepted(await ask(other, 'unread:count', nurse.id));
  granted(await api('GET', '/api/auth/me', undefined, elsewhere.token));
});

test('once a logout is answered nothing more reaches its sockets', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const office = await join(doctor);
  granted(await api('POST', '/api/auth/logout', undefined, doctor.token));
  const message = await say(nurse, sessionId, 'for nobody');
  await pause(500);
  const leaked = recorded(office, 'message:receive').filter((event) => event.message._id === message._id);
  assert.deepEqual(leaked, []);
});

test('deactivating someone ends their tokens and sockets', async () => {
  const nurse = await register();
  const socket = await connect(nurse.token);
  const { token } = await admin();
  granted(await api('PATCH', `/api/chat/users/${nurse.id}`, { isActive: false }, token));
  await until('the socket is closed', () => !socket.connected);
  refused(await api('GET', '/api/auth/me', undefined, nurse.token), 401, 'AUTH_FAILED');
  assert.equal(await refusal(open(nurse.token)), 'AUTH_FAILED');
  assert.notEqual((await api('POST', '/api/auth/login', { username: nurse.username, password: nurse.password })).status, 200);
});

test('a foreign Origin is refused on the WebSocket and given no leave on polling', async () => {
  const nurse = await register();
  const { hostname, host, port } = new URL(address);
  const foreign = ['https://evil.example', 'null', `http://${hostname}.evil.example:${port}`, `http://evil.example/${host}`];
  for (const Origin of foreign) {
    await refusal(open(nurse.token, WEBSOCKET, { extraHeaders: { Origin } })).catch((error) => assert.fail(`${Origin}: ${error.message}`));
    const polled = await api('GET', '/socket.io/?EIO=4&transport=polling', undefined, undefined, { origin: Origin });
    const leave = polled.headers.get('access-control-allow-origin');
    assert.ok(leave !== '*' && leave !== Origin, `${Origin} may read the answer`);
  }
  const own = await connect(nurse.token, WEBSOCKET, { extraHeaders: { Origin: new URL(address).origin } });
  accepted(await ask(own, 'unread:count', nurse.id));
});

test('all devices of a person hear, and one leaving does not make the person offline', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const watcher = await join(nurse);
  const devices = [await join(doctor), await join(doctor, POLLING), await join(doctor, null)];
  const message = await say(nurse, sessionId, 'to all devices');
  for (const device of devices) await heard(device, 'message:receive', (event) => event.message._id === message._id);
  const reply = accepted(await ask(devices[0], 'message:send', letter(doctor, sessionId)));
  for (const device of devices) await heard(device, 'message:sent', (event) => event.message._id === reply._id);

  const offline = (event) => event.userId === doctor.id && event.status === 'offline';
  devices[0].close();
  devices[1].close();
  await pause(1_500);
  assert.deepEqual(recorded(watcher, 'user:status').filter(offline), [], 'one device is still here');
  const online = await ask(watcher, 'users:online');
  assert.equal(online.find((user) => user._id === doctor.id)?.status, 'online');
  devices[2].close();
  await heard(watcher, 'user:status', offline);
  const listed = granted(await api('GET', '/api/chat/users/online', undefined, nurse.token)).data;
  assert.ok(!listed.some((user) => user._id === doctor.id));
});

test('presence is told to those who share a session or have asked, and to no one else', async () => {
  const { nurse, doctor } = await pair();
  const [asker, bystander] = await Promise.all([register('asker'), register('bystander')]);
  const sharing = await join(nurse);
  const asking = await join(asker);
  const aside = await join(bystander);
  await ask(asking, 'users:online');
  await join(doctor);
  const online = (event) => event.userId === doctor.id && event.status === 'online';
  await heard(sharing, 'user:status', online);
  await heard(asking, 'user:status', online);
  await pause(400);
  assert.deepEqual(recorded(aside, 'user:status').filter((event) => event.userId === doctor.id), []);
});

test('a flicker of presence is told as one change', async () => {
  const { nurse, doctor } = await pair();
  const watcher = await join(nurse);
  const office = await join(doctor);
  const ofDoctor = () => recorded(watcher, 'user:status').filter((event) => event.userId === doctor.id);
  await heard(watcher, 'user:status', (event) => event.userId === doctor.id);
  await pause(400);
  const before = ofDoctor().length;
  for (const status of ['away', 'online', 'away', 'online', 'away']) office.emit('user:status:update', status);
  await pause(800);
  const told = ofDoctor().slice(before);
  assert.ok(told.length <= 2, `five changes at once were told as ${told.length}`);
  assert.equal(told.at(-1)?.status, 'away');
});

test('coming back after a disconnect finds messages and unread count in place', async () => {
  const [nurse, doctor] = await Promise.all([register(), register('doctor')]);
  const office = await join(doctor);
  office.close();
  const { _id: sessionId } = await privateSession(nurse, doctor);
  await say(nurse, sessionId, 'while you were away');
  const back = await join(doctor);
  const count = accepted(await ask(back, 'unread:count', doctor.id));
  assert.deepEqual(count, await unread(doctor));
  assert.equal(count.unreadCount, 1);
});
