// Files with the official client and the platform's own fetch, as a browser would send and show them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accepted, address, api, ask, declined, granted, heard, join, letter, pair, register, refused } from './support.js';

// The log must not hold it; scripts/test-clients looks.
const NAME = 'Befund Bett 12.png';
// One grey pixel.
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg==', 'base64');

async function upload(person, name, content) {
  const form = new FormData();
  form.append('file', new Blob([content]), name);
  const response = await fetch(`${address}/api/chat/files`,
    { method: 'POST', body: form, headers: { authorization: `Bearer ${person.token}` } });
  return { status: response.status, body: await response.json() };
}

const get = (path, person, headers = {}) =>
  fetch(address + path, { headers: person ? { authorization: `Bearer ${person.token}`, ...headers } : headers });

test('a picture is uploaded, sent, heard and shown', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const stranger = await register('stranger');
  const [bedside, office] = [await join(nurse), await join(doctor)];
  const { data: file } = granted(await upload(nurse, NAME, PIXEL), 201);
  assert.deepEqual([file.fileName, file.mimeType, file.width, file.height], [NAME, 'image/png', 1, 1]);
  const { fileUrl, fileName, fileSize } = file;
  const body = letter(nurse, sessionId, { content: '', messageType: 'image', fileUrl, fileName, fileSize });
  accepted(await ask(bedside, 'message:send', body));
  const { message } = await heard(office, 'message:receive');
  assert.deepEqual([message.fileUrl, message.fileName, message.fileSize], [fileUrl, fileName, fileSize]);

  const shown = await get(message.fileUrl, doctor);
  assert.deepEqual([shown.status, shown.headers.get('content-type')], [200, 'image/png']);
  assert.equal((await shown.arrayBuffer()).byteLength, fileSize);
  const again = await get(fileUrl, doctor, { 'if-none-match': shown.headers.get('etag') });
  assert.equal(again.status, 304);
  const { data: link } = granted(await api('GET', `${fileUrl}/link`, undefined, doctor.token));
  for (const signed of [link.url, link.thumbnailUrl]) assert.equal((await get(signed)).status, 200);
  assert.equal((await get(link.url.replace('signature=', 'signature=x'))).status, 401);
  assert.equal((await get(fileUrl, stranger)).status, 404);
});

test('a message names no file but one that its sender may have', async () => {
  const { nurse, doctor, sessionId } = await pair();
  const stranger = await register('stranger');
  const { data: file } = granted(await upload(stranger, 'x.png', PIXEL), 201);
  const bedside = await join(nurse);
  const body = letter(nurse, sessionId, { content: '', messageType: 'image', fileUrl: file.fileUrl, fileName: 'x.png' });
  declined(await ask(bedside, 'message:send', body), 'NOT_FOUND');
  refused(await api('POST', '/api/chat/messages', body, nurse.token), 404, 'NOT_FOUND');
  assert.equal((await get(file.fileUrl, doctor)).status, 404);
});

test('twenty-five megabytes and one byte are too many, and a page is no picture', async () => {
  const nurse = await register();
  refused(await upload(nurse, 'x.bin', Buffer.alloc(25_000_001, 1)), 413, 'MESSAGE_TOO_LARGE');
  const { data: page } = granted(await upload(nurse, 'x.png', '<html><script>alert(1)</script></html>'), 201);
  const served = await get(page.fileUrl, nurse);
  assert.equal(served.headers.get('content-type'), 'application/octet-stream');
  assert.match(served.headers.get('content-disposition'), /^attachment;/);
});
