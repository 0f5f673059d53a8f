// The reference's four models, the indexes their queries need, and the two write concerns.
// Documents are read with `lean()`.
import mongoose from 'mongoose';

const { Schema } = mongoose;
const { ObjectId } = Schema.Types;

/** For everything an acknowledgement promises: on a majority, in the journal. */
export const DURABLE = { writeConcern: { w: 'majority', journal: true } };
/** For presence and delivery marks, which a crash may lose. */
export const CHEAP = { writeConcern: { w: 1 } };

const options = (collection) => ({ collection, versionKey: false, autoIndex: false, autoCreate: false, id: false });

const user = new Schema({
  username: String, realName: String, email: String, phone: String, avatar: String, role: String,
  department: String, title: String, status: String, lastSeen: Date, isActive: Boolean, createdAt: Date, updatedAt: Date,
}, options('users'));
user.index({ username: 1 }, { unique: true });
user.index({ status: 1 }); // users:online; the sixth counter

const session = new Schema({
  participants: [ObjectId], sessionType: String, sessionName: String, pairKey: String,
  lastMessage: ObjectId, lastMessageTime: Date, lastMessagePreview: String,
  unreadCount: { type: Map, of: Number }, // user id → messages not read
  seq: Number, // the newest message's
  version: Number, // changes of this document: tells the older of two answers from the newer
  createdAt: Date, updatedAt: Date,
}, options('sessions'));
session.index({ pairKey: 1 }, { unique: true, partialFilterExpression: { pairKey: { $exists: true } } });
session.index({ participants: 1, lastMessageTime: -1 }); // somebody's sessions, newest first; unread; who shares one

const message = new Schema({
  sessionId: ObjectId, sender: ObjectId, receiver: ObjectId, content: String, messageType: String,
  fileUrl: String, fileName: String, fileSize: Number, status: String, readBy: [{ _id: false, user: ObjectId, readAt: Date }],
  seq: Number, clientMsgId: String, isDeleted: Boolean, createdAt: Date, updatedAt: Date,
}, options('messages'));
message.index({ sessionId: 1, seq: 1 }); // history, sync; not unique, as Wardline's is not
message.index({ sender: 1 }); // the third counter
message.index({ receiver: 1 }); // the fourth counter
/** What is not read yet. The filter is part of the query, so that the small partial index serves it. */
export const UNREAD = { status: { $in: ['sent', 'delivered'] } };
message.index({ receiver: 1, sessionId: 1, seq: 1 }, { name: 'unread', partialFilterExpression: UNREAD });

const onlineUser = new Schema({
  userId: ObjectId, socketId: String, status: String, lastSeen: Date, userAgent: String, ipAddress: String,
  createdAt: Date, updatedAt: Date,
}, options('online_users'));
onlineUser.index({ socketId: 1 }, { unique: true });

export const User = mongoose.model('User', user);
export const Session = mongoose.model('Session', session);
export const Message = mongoose.model('Message', message);
export const OnlineUser = mongoose.model('OnlineUser', onlineUser);
export const MODELS = [User, Session, Message, OnlineUser];

/** Connects Mongoose to `database` and makes the indexes that are missing. */
export async function connect(uri, database) {
  await mongoose.connect(uri, { dbName: database, ignoreUndefined: true, serverSelectionTimeoutMS: 5_000 });
  for (const model of MODELS) {
    await model.createCollection();
    await model.createIndexes();
  }
}

/** An id for a document to be. */
export const newId = () => new mongoose.Types.ObjectId();
/** `text`, known to be an id, as the native driver wants it. */
export const oid = (text) => mongoose.Types.ObjectId.createFromHexString(text);

export const ping = () => mongoose.connection.db.admin().ping();
export const disconnect = () => mongoose.disconnect();
