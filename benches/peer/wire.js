// How documents look to clients, what is asked of their input, and how a failure is said.
// Ids and times become strings here, once, so that neither Socket.IO nor JSON meets a BSON object.

/** A failure with the contract's code, for the caller. */
export class Refusal extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export const forbidden = () => new Refusal(403, 'FORBIDDEN', 'not allowed');
export const invalid = (what) => new Refusal(400, 'VALIDATION_FAILED', what);
export const noSession = () => new Refusal(404, 'CONVERSATION_NOT_FOUND', 'there is no such session');
export const noMessage = () => new Refusal(404, 'NOT_FOUND', 'there is no such message');

export const success = (data) => ({ success: true, data });

/** Any error as `[status, envelope]`; what is not a refusal is a defect or the database, and is logged. */
export function failure(error) {
  if (error instanceof Refusal) return [error.status, envelope(error.code, error.message)];
  if (error.expose) return [error.status, envelope('VALIDATION_FAILED', error.message)]; // Express's own
  console.error(error);
  return [500, envelope('INTERNAL', 'something went wrong')];
}

const envelope = (code, message) => ({ success: false, message, error: message, code });

const ID = /^[0-9a-f]{24}$/;

/** `value` if it is an id. */
export function id(value, name) {
  if (typeof value !== 'string' || !ID.test(value)) throw invalid(`${name} must be 24 hexadecimal digits`);
  return value;
}

/** A whole number from a query or a payload, `fallback` when it is absent. */
export function whole(value, name, fallback, most = Number.MAX_SAFE_INTEGER) {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > most) throw invalid(`${name} must be 1 to ${most}`);
  return number;
}

const hex = (objectId) => objectId?.toHexString() ?? null;
const time = (date) => date?.toISOString() ?? null;

export const message = (row) => ({
  _id: hex(row._id),
  sessionId: hex(row.sessionId),
  sender: hex(row.sender),
  receiver: hex(row.receiver),
  content: row.content,
  messageType: row.messageType,
  fileUrl: row.fileUrl ?? '',
  fileName: row.fileName ?? '',
  fileSize: row.fileSize ?? 0,
  status: row.status,
  readBy: row.readBy.map((one) => ({ user: hex(one.user), readAt: time(one.readAt) })),
  seq: row.seq,
  rev: 0,
  clientMsgId: row.clientMsgId,
  isDeleted: row.isDeleted,
  createdAt: time(row.createdAt),
  updatedAt: time(row.updatedAt),
});

export const session = (row) => ({
  _id: hex(row._id),
  participants: row.participants.map(hex),
  sessionType: row.sessionType,
  sessionName: row.sessionName,
  lastMessage: hex(row.lastMessage),
  lastMessageTime: time(row.lastMessageTime),
  unreadCount: row.unreadCount,
  seq: row.seq,
  rev: 0,
  createdAt: time(row.createdAt),
  updatedAt: time(row.updatedAt),
});

export const user = (row) => ({
  _id: hex(row._id),
  username: row.username,
  realName: row.realName,
  email: row.email,
  phone: row.phone,
  avatar: row.avatar,
  role: row.role,
  department: row.department,
  title: row.title,
  status: row.status,
  lastSeen: time(row.lastSeen),
  isActive: row.isActive,
  createdAt: time(row.createdAt),
  updatedAt: time(row.updatedAt),
});
