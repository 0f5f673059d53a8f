// The REST calls that the benches measure.
import express from 'express';
import { ping } from './models.js';
import { Refusal, failure, forbidden, success } from './wire.js';

export function rest(chat, readToken) {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('query parser', 'simple');

  app.get('/api/health', async (request, response) => {
    const timestamp = new Date().toISOString();
    try {
      await ping();
      response.json({ status: 'ok', timestamp, message: 'The chat server is running.' });
    } catch (error) {
      console.error(error);
      response.status(503).json({ status: 'degraded', timestamp, message: 'The database does not answer.' });
    }
  });

  const api = express.Router();
  const body = express.json({ limit: '256kb' });
  app.use('/api/chat', api);
  api.use((request, response, next) => {
    request.actor = readToken(request.headers.authorization?.replace(/^Bearer /i, ''));
    next();
  });

  api.get('/sessions/:userId', async (request, response) => {
    response.json(await chat.sessions(request.actor, request.params.userId, request.query));
  });
  api.post('/sessions/private', body, async (request, response) => {
    const { session, isNew } = await chat.openPrivate(request.actor.id, request.body ?? {});
    response.status(isNew ? 201 : 200).json(success(session));
  });
  api.get('/messages/unread/:userId', async (request, response) => {
    if (request.params.userId !== request.actor.id) throw forbidden();
    response.json(success(await chat.unread.of(request.actor.id)));
  });
  api.get('/messages/:sessionId', async (request, response) => {
    response.json(await chat.history(request.actor.id, request.params.sessionId, request.query));
  });
  api.post('/messages', body, async (request, response) => {
    response.status(201).json(success(await chat.send(request.actor.id, request.body ?? {})));
  });
  api.put('/messages/:messageId/read', body, async (request, response) => {
    const { messageId } = request.params;
    response.json(success(await chat.read(request.actor.id, { messageId, userId: request.body?.userId })));
  });
  api.get('/stats/:userId', async (request, response) => {
    response.json(success(await chat.stats(request.actor, request.params.userId)));
  });

  app.use(() => {
    throw new Refusal(404, 'NOT_FOUND', 'there is no such path');
  });
  // Four parameters: that is how Express knows it for the place where errors go.
  app.use((error, request, response, next) => {
    if (response.headersSent) return next(error);
    const [status, envelope] = failure(error);
    response.status(status).json(envelope);
  });
  return app;
}
