// The types that openapi-typescript makes from the document, under openapi-fetch: they compile, and the calls talk
// to a running service.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import createClient from 'openapi-fetch';
import type { components, paths } from './generated/schema.js';

type Message = components['schemas']['Message'];

const baseUrl = process.env.WARDLINE_URL;

test('openapi-fetch: sign in, find somebody, send, read', async () => {
  const door = createClient<paths>({ baseUrl });
  const login = await door.POST('/api/auth/login', { body: { username: 'nurse.wu', password: 'wardline-demo' } });
  assert.ok(login.data, login.error?.message);
  const { user, token, expiresAt } = login.data.data;
  assert.ok(Date.parse(expiresAt) > Date.now());
  const api = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } });

  const found = await api.GET('/api/chat/users', { params: { query: { search: 'dr.liu', role: 'doctor' } } });
  const chosen = found.data?.data[0];
  assert.equal(chosen?.username, 'dr.liu');
  assert.equal(found.data?.pagination.hasMore, false);

  const pair = { userId1: user._id, userId2: chosen._id };
  const opened = await api.POST('/api/chat/sessions/private', { body: pair });
  assert.ok(opened.data, opened.error?.message);
  const id = opened.data.data._id;

  const content = `from openapi-fetch ${Date.now()}`;
  const sent = await api.POST('/api/chat/messages', { body: { sessionId: id, senderId: user._id, content } });
  assert.ok(sent.data, sent.error?.message);
  const history = await api.GET('/api/chat/messages/{id}', { params: { path: { id }, query: { limit: 10 } } });
  const newest: Message | undefined = history.data?.data.at(-1);
  assert.deepEqual([newest?._id, newest?.content, newest?.messageType], [sent.data.data._id, content, 'text']);

  const form = new FormData();
  form.append('file', new Blob(['a note']), 'note.txt');
  const body = form as unknown as { file: string };
  const file = await api.POST('/api/chat/files', { body, bodySerializer: () => form });
  assert.equal(file.data?.data.mimeType, 'text/plain', file.error?.message);
  const path = { id: file.data.data.fileId };
  const fetched = await api.GET('/api/chat/files/{id}', { params: { path }, parseAs: 'text' });
  assert.equal(fetched.data, 'a note');

  const refused = await door.GET('/api/auth/me');
  assert.equal(refused.error?.code, 'AUTH_FAILED');
});
