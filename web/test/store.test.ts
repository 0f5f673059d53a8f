// What a device knows of a session, against events in any order. No service here: each case is one that a network makes
// seldom and that must be right all the same.
import { describe, expect, test } from "vitest";
import { Api, type User } from "../src/core/api";
import { ChatClient } from "../src/core/client";
import { systemClock } from "../src/core/clock";
import { SessionStore } from "../src/core/session-store";
import { MemoryStorage } from "../src/core/storage";
import { PAGE, Timeline } from "../src/core/timeline";
import type { LinkListener } from "../src/core/transport";
import type { Message, SessionDocument, SessionSync } from "../src/core/wire";
import { until } from "./support/ward";

const at = "2026-03-05T07:00:00.000Z";

function document(seq: number, rev = 0): SessionDocument {
  return {
    _id: "ward",
    participants: ["me", "you"],
    sessionType: "private",
    sessionName: "",
    lastMessage: null,
    lastMessageTime: at,
    unreadCount: { me: 0, you: 0 },
    seq,
    rev,
    createdAt: at,
    updatedAt: at,
  };
}

function message(seq: number, more: Partial<Message> = {}): Message {
  return {
    _id: `message-${seq}`,
    sessionId: "ward",
    sender: "you",
    receiver: "me",
    content: `text ${seq}`,
    messageType: "text",
    fileUrl: "",
    fileName: "",
    fileSize: 0,
    status: "sent",
    readBy: [],
    readCount: 0,
    deliveredCount: 0,
    seq,
    rev: 0,
    isDeleted: false,
    createdAt: at,
    updatedAt: at,
    ...more,
  };
}

const edited = (seq: number, rev: number, content: string) => ({
  messageId: `message-${seq}`,
  sessionId: "ward",
  seq,
  rev,
  userId: "you",
  content,
  mentions: [],
  editedAt: at,
  updatedAt: at,
});
const deleted = (seq: number, rev: number) => ({
  messageId: `message-${seq}`,
  sessionId: "ward",
  seq,
  rev,
  userId: "you",
  isDeleted: true as const,
  deletedAt: at,
});

function share(session: SessionDocument, messages: Message[], changed: Message[] = []): SessionSync {
  const membership = { readSeq: 0, readAt: null, deliveredSeq: 0, role: "member" as const, muted: false, silenced: false, joinedAt: at };
  return {
    session,
    messages,
    changed,
    positions: { me: membership, you: membership },
    seq: session.seq,
    rev: session.rev,
    next: { seq: session.seq, rev: session.rev },
    hiddenSeq: 0,
    hasMore: false,
  };
}

describe("a session's store", () => {
  test("a message that comes ahead of another is kept, and says that something is missing", () => {
    const session = new SessionStore(document(3), "me");
    expect(session.applyMessage(message(5))).toBe("gap");
    expect([session.head, session.syncedSeq]).toEqual([5, 3]);
    expect(session.applyMessage(message(4))).toBe("new");
    expect([session.head, session.syncedSeq]).toEqual([5, 5]);
    expect(session.applyMessage(message(5))).toBe("known");
  });

  test("a change that comes ahead of another is applied, and the missing one is asked for", () => {
    const session = new SessionStore(document(0), "me");
    for (const seq of [1, 2, 3]) session.applyMessage(message(seq));
    expect(session.applyUpdated(edited(2, 2, "second"))).toBe("gap");
    expect(session.rev).toBe(0);
    expect(session.applyTombstone(deleted(1, 1))).toBe("new");
    expect(session.rev).toBe(2);
    expect(session.timeline.get(1)).toMatchObject({ isDeleted: true, content: "", rev: 1 });
    expect(session.timeline.get(2)).toMatchObject({ content: "second", rev: 2 });
  });

  test("an older word never replaces a newer one", () => {
    const session = new SessionStore(document(0), "me");
    session.applyMessage(message(1));
    session.applyUpdated(edited(1, 1, "first"));
    session.applyUpdated(edited(1, 2, "second"));
    expect(session.applyUpdated(edited(1, 1, "first"))).toBe("known");
    session.applyMessage(message(1));
    session.applyPage([message(1, { rev: 1, content: "first" })], 2);
    expect(session.timeline.get(1)?.content).toBe("second");
  });

  test("a page that was read before a change that is told before it comes makes the change be asked for again", () => {
    const session = new SessionStore(document(3), "me");
    const asked = session.rev;
    session.applyTombstone(deleted(2, 1));
    expect(session.rev).toBe(1);
    expect(session.applyPage([message(1), message(2), message(3)], asked)).toBe("gap");
    expect(session.rev, "the sync asks from before the change").toBe(0);
    session.applySync(share(document(3, 1), [], [message(2, { isDeleted: true, content: "", rev: 1 })]));
    expect(session.timeline.get(2)?.isDeleted).toBe(true);
    expect(session.rev).toBe(1);
  });

  test("receipts and read positions only grow", () => {
    const session = new SessionStore(document(0), "me");
    session.applySync(share(document(2), [message(1, { sender: "me" }), message(2, { sender: "me" })]));
    const told = { messageId: "message-1", sessionId: "ward", userId: "you", at };
    session.applyStatus({ ...told, status: "read" });
    session.applyStatus({ ...told, status: "delivered" });
    expect(session.timeline.get(1)?.status).toBe("read");
    session.applyRead({ userId: "you", seq: 2, readAt: at });
    session.applyRead({ userId: "you", seq: 1, readAt: at });
    expect(session.memberships.get("you")?.readSeq).toBe(2);
  });

  test("what is hidden is forgotten, and an opened past is empty until it is looked at", () => {
    const session = new SessionStore(document(0), "me");
    for (const seq of [1, 2, 3, 4]) session.applyMessage(message(seq));
    session.applySync({ ...share(document(4), []), hiddenSeq: 2 });
    expect(session.timeline.all().map((one) => one.seq)).toEqual([3, 4]);
    session.applySync(share(document(4), []));
    expect(session.timeline.missing(1, 4)).toEqual([[1, 4]]);
  });

  test("too much missed: what was loaded is forgotten rather than fetched to the end", () => {
    const session = new SessionStore(document(0), "me");
    for (const seq of [1, 2]) session.applyMessage(message(seq));
    session.skipTo({ ...share(document(5_000, 7), [message(3)]), next: { seq: 3, rev: 1 }, hasMore: true });
    expect([session.head, session.syncedSeq, session.rev, session.timeline.loaded]).toEqual([5_000, 5_000, 7, 0]);
  });
});

describe("the timeline", () => {
  test("asks for runs of a page at most, newest first, and not for what is on its way", () => {
    const timeline = new Timeline();
    timeline.head = 1_000;
    const runs = timeline.missing(701, 1_000);
    expect(runs).toEqual([
      [901, 1_000],
      [801, 900],
      [701, 800],
    ]);
    expect(Math.max(...runs.map(([first, last]) => last - first + 1))).toBeLessThanOrEqual(PAGE);
    timeline.mark([901, 1_000], true);
    expect(timeline.missing(820, 1_000)).toEqual([[801, 900]]);
    timeline.mark([901, 1_000], false);
    expect(timeline.missing(951, 1_000)).toEqual([[951, 1_000]]);
  });

  test("keeps a bounded number, those near the eye", () => {
    const timeline = new Timeline();
    timeline.head = 10_000;
    for (let seq = 1; seq <= 10_000; seq++) timeline.put(message(seq));
    timeline.trim(200);
    expect(timeline.loaded).toBeLessThan(4_000);
    expect(timeline.get(200)).toBeDefined();
    expect(timeline.get(9_000)).toBeUndefined();
    expect(timeline.get(10_000), "the newest is the list's").toBeDefined();
  });
});

/** A core whose service is the test: it answers `chat:sync` and hears what is asked. */
function scripted(known: SessionDocument[]) {
  const asked: { event: string; payload: unknown }[] = [];
  let listener: LinkListener | undefined;
  let answer: Record<string, SessionSync> = {};
  let held: Promise<void> = Promise.resolve();
  const listed = known.map((one) => ({ ...one, participantProfiles: [], lastMessagePreview: "", unread: 0, role: "member", muted: false }));
  const client = new ChatClient({
    api: new Api({ fetch: async () => Response.json({ success: true, data: listed, pagination: { hasMore: false } }) }),
    user: { _id: "me", realName: "Me", username: "me" } as User,
    storage: Promise.resolve(new MemoryStorage()),
    clock: { ...systemClock, after: (_ms, then) => systemClock.after(1, then) },
    transport: (told) => {
      listener = told;
      setTimeout(() => told.opened(), 0);
      return {
        ask: async (event, payload) => {
          asked.push({ event, payload });
          if (event === "message:send") return new Promise(() => {});
          const read = answer;
          await held;
          const data = event === "chat:sync" ? { sessions: read, removed: [], hasMore: false } : {};
          return { success: true, data } as never;
        },
        tell: () => {},
        close: () => {},
      };
    },
  });
  const syncs = () => asked.filter((one) => one.event === "chat:sync").map((one) => one.payload);
  return {
    client,
    syncs,
    tell: (name: string, payload: unknown) => listener?.event(name, payload),
    answers: (next: Record<string, SessionSync>) => {
      answer = next;
    },
    /** From now on answers are read at once and come when they are let go. */
    hold: () => {
      let release = () => {};
      held = new Promise((go) => {
        release = go;
      });
      return () => release();
    },
  };
}

describe("gaps", () => {
  test("are closed by a sync from where everything was known", async () => {
    const { client, syncs, tell, answers } = scripted([document(3, 2)]);
    client.start();
    await until(() => client.connection.live, "live", 2_000);
    expect(syncs()).toEqual([{ sessions: { ward: { seq: 3, rev: 2 } } }]);
    answers({ ward: share(document(6, 2), [message(4), message(5), message(6)]) });
    tell("message:receive", { message: message(6) });
    await until(() => syncs().length === 2, "a sync", 2_000);
    expect(syncs()[1]).toEqual({ sessions: { ward: { seq: 3, rev: 2 } } });
    await until(() => client.sessions.get("ward")?.timeline.loaded === 3, "closed", 2_000);
    expect(client.sessions.get("ward")?.syncedSeq).toBe(6);
    client.stop();
  });

  test("a change that is told between a sync's reading and its answer is asked for again", async () => {
    const { client, syncs, tell, answers, hold } = scripted([document(3, 2)]);
    client.start();
    await until(() => client.connection.live, "live", 2_000);
    // The list may have asked for one more.
    await new Promise((resume) => setTimeout(resume, 50));
    const before = syncs().length;
    const release = hold();
    answers({ ward: share(document(4, 2), [message(4)]) });
    tell("message:receive", { message: message(5) });
    await until(() => syncs().length === before + 1, "a sync", 2_000);
    // Message 4 is not here yet when it is told to be edited; the answer on its way has the text of before.
    tell("message:updated", edited(4, 3, "as it is now"));
    release();
    answers({ ward: share(document(5, 3), [], [message(4, { rev: 3, content: "as it is now" })]) });
    const now = () => client.sessions.get("ward")?.timeline.get(4)?.content;
    await until(() => now() === "as it is now", "the edit", 2_000);
    expect(syncs().at(-1)).toEqual({ sessions: { ward: { seq: 5, rev: 2 } } });
    client.stop();
  });

  test("a message of a session nobody has heard of asks for it", async () => {
    const { client, syncs, tell, answers } = scripted([]);
    client.start();
    await until(() => client.connection.live, "live", 2_000);
    answers({ ward: share(document(1), [message(1)]) });
    tell("message:receive", { message: message(1) });
    await until(() => client.sessions.get("ward") !== undefined, "known", 2_000);
    expect(syncs().length).toBe(2);
    client.stop();
  });

  test("a sync that brings one's own message ends its waiting in the outbox", async () => {
    const { client, tell, answers } = scripted([document(0)]);
    client.start();
    await until(() => client.connection.live, "live", 2_000);
    const entry = client.outbox.add("ward", { messageType: "text", content: "did it arrive?" });
    answers({ ward: share(document(2), [message(1, { sender: "me", clientMsgId: entry.clientMsgId }), message(2)]) });
    tell("message:receive", { message: message(2) });
    await until(() => client.outbox.size === 0, "arrived", 2_000);
    client.stop();
  });
});
