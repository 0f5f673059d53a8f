// Copies a Wardline database (FROM) into the peer's own (TO), inside MongoDB, and makes the peer's indexes.
// Ids stay, so that one set of tokens serves both. What TO held before of the peer's is replaced.
import * as settings from './settings.js';
import mongoose from 'mongoose';
import { MODELS, connect, disconnect } from './models.js';

const [from, to] = [settings.from(), settings.to()];

const person = {
  username: 1, realName: 1, email: 1, phone: 1, avatar: 1, role: 1, department: 1, title: 1,
  status: 'offline', lastSeen: 1, isActive: 1, createdAt: 1, updatedAt: 1,
};

const session = {
  participants: 1, sessionType: 1, sessionName: 1, pairKey: 1, lastMessage: 1, lastMessageTime: 1, unreadCount: 1,
  lastMessagePreview: { $ifNull: ['$lastMessageInfo.preview', ''] }, seq: 1, version: { $literal: 0 }, createdAt: 1, updatedAt: 1,
};

// Wardline keeps no status in messages: it follows from the members' positions in the session's document.
const others = { $filter: { input: '$members', cond: { $ne: ['$$this.user', '$message.sender'] } } };
const readers = { $filter: { input: '$others', cond: { $gte: ['$$this.readSeq', '$message.seq'] } } };
const within = (run) => ({
  $and: [{ $lte: [{ $first: run }, '$message.seq'] }, { $gte: [{ $last: run }, '$message.seq'] }],
});
const isDelivered = {
  $anyElementTrue: { $map: {
    input: '$others', as: 'other', in: { $anyElementTrue: { $map: { input: '$$other.delivered', as: 'run', in: within('$$run') } } },
  } },
};
const messages = [
  { $project: { members: { $map: {
    input: { $objectToArray: '$members' },
    in: {
      user: { $toObjectId: '$$this.k' }, readSeq: '$$this.v.readSeq', readAt: '$$this.v.readAt', delivered: '$$this.v.delivered',
    },
  } } } },
  // By session, along the index of `seq`: a million messages cost one range for each session, not one search each.
  { $lookup: { from: 'messages', localField: '_id', foreignField: 'sessionId', as: 'message' } },
  { $unwind: '$message' },
  { $set: { others } },
  { $set: { readers } },
  { $replaceWith: { $mergeObjects: ['$message', {
    receiver: { $ifNull: ['$message.receiver', { $first: '$others.user' }] },
    // A tombstone counts as read: Wardline's unread counts leave it out.
    status: { $switch: {
      branches: [
        { case: { $or: ['$message.isDeleted', { $ne: ['$readers', []] }] }, then: 'read' },
        { case: isDelivered, then: 'delivered' },
      ],
      default: 'sent',
    } },
    readBy: { $map: { input: '$readers', in: { user: '$$this.user', readAt: '$$this.readAt' } } },
  }] } },
  { $unset: ['rev'] },
];

const COPYING = 'copying_';
const began = Date.now();
const ours = new Set(MODELS.flatMap(({ collection: { name } }) => [name, COPYING + name]));
await mongoose.connect(settings.uri, { dbName: to, autoIndex: false });
const [source, target] = [mongoose.connection.getClient().db(from), mongoose.connection.db];
const names = (await target.listCollections({}, { nameOnly: true }).toArray()).map((one) => one.name);
const there = names.filter((name) => !name.startsWith('system.'));
const foreign = there.filter((name) => !ours.has(name));
if (from === to || foreign.length) {
  console.error(`${to} is not a database of the peer's: it holds ${foreign.join(', ') || 'the source'}`);
  process.exit(2);
}
for (const name of there) await target.dropCollection(name);

async function copy(name, sourceName, pipeline) {
  // Into another name first: MongoDB 6.0 knows an aggregation's collections by name without database, so that
  // `$lookup` from `messages` with `$out` to the other database's `messages` reads at times from the latter.
  const fresh = COPYING + name;
  await source.collection(sourceName).aggregate([...pipeline, { $out: { db: to, coll: fresh } }]).toArray();
  await target.renameCollection(fresh, name, { dropTarget: true });
  const [copied, had] = await Promise.all([target, source].map((database) => database.collection(name).countDocuments()));
  if (copied !== had) throw new Error(`${name}: ${copied} of ${had} were copied; is ${from} still in use?`);
  console.log(`${name}: ${copied}`);
}
await copy('users', 'users', [{ $project: person }]);
await copy('sessions', 'sessions', [{ $project: session }]);
await copy('messages', 'sessions', messages);
await disconnect();

await connect(settings.uri, to); // makes the indexes
await disconnect();
console.log(`copied ${from} to ${to} in ${((Date.now() - began) / 1000).toFixed(1)} s`);
