// The small vocabulary of the client tests: people, sessions, sockets and waiting.
// Everything goes over the wire as a client would send it; nothing here knows the service's inside.
// Every person is registered afresh, so no test depends on another. Every wait ends, and says on
// failure what it waited for. Sockets opened here are closed after each test.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { afterEach } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { io } from 'socket.io-client';

export { pause };

export const address = process.env.WARDLINE_URL?.replace(/\/+$/, '');
if (!address) throw new Error('WARDLINE_URL must be the address of a running Wardline');

/** Milliseconds a wait may last unless a test says otherwise. */
export const WAIT = 5_000;
/** Milliseconds a REST call may last; registering hashes a password, which is slow on purpose. */
const REST_WAIT = 15_000;

export const WEBSOCKET = ['websocket'];
export const POLLING = ['polling'];

export const PASSWORD = 'correct-horse-battery';
export const ABSENT_ID = 'aaaaaaaaaaaaaaaaaaaaaaaa';

const CODES = new Set([
  'AUTH_FAILED', 'TOKEN_EXPIRED', 'FORBIDDEN', 'NOT_FOUND', 'INVALID_MESSAGE', 'VALIDATION_FAILED',
  'CONVERSATION_NOT_FOUND', 'MESSAGE_TOO_LARGE', 'RATE_LIMITED', 'CONFLICT', 'WINDOW_CLOSED',
  'FILE_REJECTED', 'INTERNAL',
]);
/** The two codes for "this input is malformed"; the contract leaves open which one an event gets. */
export const INVALID = ['VALIDATION_FAILED', 'INVALID_MESSAGE'];
export const ABSENT = ['NOT_FOUND', 'CONVERSATION_NOT_FOUND'];

// ---- REST ----------------------------------------------------------------------------------

/** One REST call. A string body is sent as it is, anything else as JSON. */
export async function api(method, path, body, token, headers = {}) {
  const response = await fetch(address + path, {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: body === undefined || typeof body === 'string' ? body : JSON.stringify(body),
    signal: AbortSignal.timeout(REST_WAIT),
  });
  const text = await response.text();
  let parsed = text;
  try {
    parsed = JSON.parse(text);
  } catch { /* not JSON: `refused` and `granted` complain with the text */ }
  return { status: response.status, headers: response.headers, body: parsed };
}

/** Asserts success with this status and returns the envelope. */
export function granted(answer, status = 200) {
  assert.equal(answer.status, status, `expected ${status}, got ${answer.status}: ${brief(answer.body)}`);
  assert.equal(answer.body.success, true, brief(answer.body));
  return answer.body;
}

/** Asserts a failure envelope with this status and, if given, one of these codes. */
export function refused(answer, status, ...codes) {
  assert.equal(answer.status, status, `expected ${status}, got ${answer.status}: ${brief(answer.body)}`);
  assert.equal(typeof answer.body.error, 'string', `no error text in ${brief(answer.body)}`);
  return declined(answer.body, ...codes);
}

/** Asserts a failure envelope, from whatever door, with one of these codes if any are given. */
export function declined(envelope, ...codes) {
  assert.equal(envelope?.success, false, `expected a failure, got ${brief(envelope)}`);
  assert.ok(typeof envelope.message === 'string' && envelope.message, `no message in ${brief(envelope)}`);
  assert.ok(CODES.has(envelope.code), `unknown code in ${brief(envelope)}`);
  if (codes.length) {
    assert.ok(codes.includes(envelope.code), `expected ${codes.join(' or ')}, got ${brief(envelope)}`);
  }
  return envelope;
}

/** Asserts that an acknowledgement is a success and returns its `data`. */
export function accepted(envelope) {
  assert.equal(envelope?.success, true, `expected success, got ${brief(envelope)}`);
  return envelope.data;
}

export const brief = (value) => String(JSON.stringify(value)).slice(0, 300);

// ---- People and sessions --------------------------------------------------------------------

export const unusedName = (role = 'nurse') => `${role}.${randomBytes(8).toString('hex')}`;

/** Registers a fresh person: `{id, username, password, token, user}`. */
export async function register(role = 'nurse') {
  const username = unusedName(role);
  const answer = await api('POST', '/api/auth/register', { username, password: PASSWORD, realName: `The ${role}` });
  const { user, token } = granted(answer, 201).data;
  return { id: user._id, username, password: PASSWORD, token, user };
}

export async function login(username, password) {
  return granted(await api('POST', '/api/auth/login', { username, password })).data;
}

/** The administrator of the demonstration hospital. */
export const admin = () => login('admin', 'wardline-demo');

/** The private session of two people: its document. */
export async function privateSession(one, other) {
  const answer = await api('POST', '/api/chat/sessions/private', { userId1: one.id, userId2: other.id }, one.token);
  assert.ok([200, 201].includes(answer.status), brief(answer.body));
  return accepted(answer.body);
}

/** A nurse and a doctor with a private session, `sessionId`. */
export async function pair() {
  const [nurse, doctor] = await Promise.all([register('nurse'), register('doctor')]);
  const session = await privateSession(nurse, doctor);
  return { nurse, doctor, session, sessionId: session._id };
}

/** Sends over REST and returns the stored message. */
export async function say(person, sessionId, content, extra = {}) {
  const body = letter(person, sessionId, { content, ...extra });
  return granted(await api('POST', '/api/chat/messages', body, person.token), 201).data;
}

export async function history(person, sessionId, query = '') {
  return granted(await api('GET', `/api/chat/messages/${sessionId}${query}`, undefined, person.token));
}

/** Every message of the session from `seq` 1 on, read by `afterSeq` in pages of a hundred. */
export async function wholeHistory(person, sessionId) {
  const messages = [];
  for (;;) {
    const after = messages.at(-1)?.seq ?? 0;
    const { data } = await history(person, sessionId, `?afterSeq=${after}&limit=100`);
    if (data.length === 0) return messages;
    assert.ok(data[0].seq > after, `afterSeq=${after} answered seq ${data[0].seq}`);
    messages.push(...data);
  }
}

export async function unread(person) {
  return granted(await api('GET', `/api/chat/messages/unread/${person.id}`, undefined, person.token)).data;
}

// ---- Sockets --------------------------------------------------------------------------------

const sockets = new Set();
afterEach(closeSockets);

export function closeSockets() {
  for (const socket of sockets) socket.close();
  sockets.clear();
}

/** A socket on its way to be connected; `socket.record` is all it hears, in order. */
export function open(token, transports = WEBSOCKET, { auth = {}, ...options } = {}) {
  const socket = io(address, {
    forceNew: true,
    reconnection: false,
    timeout: WAIT,
    auth: { token, ...auth },
    ...(transports ? { transports } : {}),
    ...options,
  });
  sockets.add(socket);
  socket.record = [];
  socket.onAny((event, data) => socket.record.push({ event, data }));
  return socket;
}

/** A connected socket. `transports` null means the client's default: polling, then upgrade. */
export async function connect(token, transports, options) {
  const socket = open(token, transports, options);
  const error = await handshake(socket);
  if (error) throw new Error(`the connection was refused: ${error.message}`, { cause: error });
  return socket;
}

/** A connected socket whose user has joined, as the source's front end does. */
export async function join(person, transports, options) {
  const socket = await connect(person.token, transports, options);
  accepted(await ask(socket, 'user:join', { id: person.id, username: person.username }));
  return socket;
}

/** Asserts that the handshake is refused and returns its `connect_error` message. */
export async function refusal(socket) {
  const error = await handshake(socket);
  assert.ok(error, 'the connection was accepted');
  return error.message;
}

/** Waits for the end of the handshake: the error that refused it, or null. */
function handshake(socket) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no end of the handshake within ${WAIT} ms`)), WAIT);
    const settle = (error) => {
      clearTimeout(timer);
      resolve(error ?? null);
    };
    socket.once('connect', settle);
    socket.once('connect_error', settle);
  });
}

/** Emits with a callback and returns what the callback gets. */
export async function ask(socket, event, ...args) {
  try {
    return await socket.timeout(WAIT).emitWithAck(event, ...args);
  } catch (error) {
    throw new Error(`${event} was not acknowledged within ${WAIT} ms (socket connected: ${socket.connected})`, { cause: error });
  }
}

/** The next such event from now on. */
export function once(socket, event, predicate = () => true, timeout = WAIT) {
  const promise = new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      socket.off(event, listener);
    };
    const listener = (data) => {
      if (!predicate(data)) return;
      stop();
      resolve(data);
    };
    const timer = setTimeout(() => {
      stop();
      const came = socket.record.slice(-12).map((entry) => `${entry.event} ${brief(entry.data).slice(0, 120)}`);
      reject(new Error(`no such ${event} within ${timeout} ms; last heard:\n  ${came.join('\n  ')}`));
    }, timeout);
    socket.on(event, listener);
  });
  promise.catch(() => {}); // a test that fails earlier never awaits this one
  return promise;
}

/** What the socket has heard of one event so far. */
export const recorded = (socket, event) =>
  socket.record.filter((entry) => entry.event === event).map((entry) => entry.data);

/** Such an event, already heard or still to come. */
export async function heard(socket, event, predicate = () => true, timeout = WAIT) {
  const past = recorded(socket, event).find(predicate);
  return past ?? once(socket, event, predicate, timeout);
}

/** Polls until `condition` is truthy and returns it. */
export async function until(what, condition, timeout = WAIT) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    if (Date.now() > end) throw new Error(`not within ${timeout} ms: ${what}`);
    await pause(20);
  }
}

/** Sends all messages without waiting in between; the acknowledgements, in the order sent. */
export function pipeline(socket, person, sessionId, messages, timeout = 60_000) {
  return Promise.all(messages.map((message) =>
    socket.timeout(timeout).emitWithAck('message:send', letter(person, sessionId, message))));
}

/** The payload of `message:send`, REST or socket; `extra` overrides or adds fields. */
export const letter = (person, sessionId, extra = {}) =>
  ({ sessionId, senderId: person.id, content: 'Bed 4 is ready', messageType: 'text', ...extra });

/** `count` messages to send, each with its own `clientMsgId`. */
export const notes = (count, label = 'message') =>
  Array.from({ length: count }, (_, index) => ({
    content: `${label} ${index + 1}`,
    clientMsgId: `${label}-${index + 1}-${randomBytes(6).toString('hex')}`,
  }));
