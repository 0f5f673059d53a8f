// The peer: the reference's stack in one process. Wires, starts, and ends on SIGTERM.
import * as settings from './settings.js';
import { createSecretKey } from 'node:crypto';
import { createServer } from 'node:http';
import jwt from 'jsonwebtoken';
import { Server } from 'socket.io';
import { Chat } from './chat.js';
import { connect, disconnect } from './models.js';
import { rest } from './rest.js';
import { attach, nobodyIsHere } from './sockets.js';
import { Refusal } from './wire.js';

// As a key object: given a text, jsonwebtoken tries each time whether it is a public key.
const secret = createSecretKey(settings.secret(), 'utf8');

/** Who a token says one is. */
function readToken(token) {
  try {
    const { sub, username, role } = jwt.verify(token, secret, { algorithms: ['HS256'] });
    return { id: sub, username, role };
  } catch (error) {
    throw new Refusal(401, error.name === 'TokenExpiredError' ? 'TOKEN_EXPIRED' : 'AUTH_FAILED', 'the token is not valid');
  }
}

await connect(settings.uri, settings.database());
await nobodyIsHere();

const io = new Server({ serveClient: false });
const chat = new Chat(io);
const settled = attach(io, chat, readToken);
const server = createServer(rest(chat, readToken));
io.attach(server);
server.listen(settings.port, settings.host, () => {
  const { address, port } = server.address();
  console.log(`peer listening on http://${address}:${port}`);
});

// Memory is measured after a collection.
process.on('SIGUSR2', () => globalThis.gc?.());

let isEnding = false;
async function end() {
  if (isEnding) return;
  isEnding = true;
  io.isClosing = true;
  await io.close();
  server.closeAllConnections();
  await settled();
  await nobodyIsHere();
  await disconnect();
}
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => end().catch((error) => {
  console.error(error);
  process.exit(1);
}));
