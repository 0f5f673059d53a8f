// What lists show and in which order: conversations that are not made yet, the line below a name, people who are sought.
import { describe, expect, test } from "vitest";
import type { TFunction } from "i18next";
import { Api, type SessionListed, type User } from "../src/core/api";
import { ChatClient } from "../src/core/client";
import { systemClock } from "../src/core/clock";
import { People } from "../src/core/people";
import { plannedId, plannedPerson } from "../src/core/planned";
import { SessionStore, type Summary } from "../src/core/session-store";
import { MemoryStorage } from "../src/core/storage";
import type { Message, SessionDocument } from "../src/core/wire";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { lastLine, madeText, needsNewest, personName, plainText, systemText } from "../src/ui/common/names";
import { byFit, fit, fits } from "../src/ui/common/people";
import { grouped } from "../src/ui/directory/DirectoryPane";

const at = "2026-03-05T07:00:00.000Z";
const person = (_id: string, realName: string, more: Partial<User> = {}) =>
  ({ _id, realName, username: `u.${_id}`, department: "", title: "", status: "offline", ...more }) as User;
const ME = person("me", "王芳");
const LI = person("li", "李娜");

function document(_id: string, more: Partial<SessionDocument> = {}): SessionDocument {
  return {
    _id,
    participants: ["me", "li"],
    sessionType: "private",
    sessionName: "",
    lastMessage: null,
    lastMessageTime: at,
    unreadCount: { me: 0, li: 0 },
    seq: 0,
    rev: 0,
    createdAt: at,
    updatedAt: at,
    ...more,
  };
}

/** A core without a network: what it was asked for is kept. */
function core(storage = new MemoryStorage()) {
  const asked: string[] = [];
  const moved: string[] = [];
  const api = new Api({
    fetch: async (url) => {
      asked.push(String(url));
      const listed = { ...document("made"), participantProfiles: [ME, LI], lastMessagePreview: "", unread: 0 };
      return new Response(JSON.stringify({ data: listed }), { status: 201 });
    },
  });
  const client = new ChatClient({
    api,
    user: ME,
    transport: (() => ({ close: () => {}, tell: () => {}, ask: () => new Promise(() => {}) })) as never,
    storage: Promise.resolve(storage),
    clock: systemClock,
    onPlaced: (from, to) => moved.push(`${from} → ${to}`),
  });
  client.people.learn([LI]);
  return { client, asked, moved, storage };
}

describe("a private conversation", () => {
  test("is not made before its first message, and is in no list before something is written", () => {
    const { client, asked } = core();
    const planned = client.conversationWith("li");
    expect(planned.id).toBe(plannedId("li"));
    expect(plannedPerson(planned.id)).toBe("li");
    expect(client.sessions.get(planned.id)).toBe(planned);
    expect(client.listed()).toEqual([]);
    client.drafts.set(planned.id, "Half a thought");
    expect(client.listed()).toEqual([planned]);
    client.drafts.set(planned.id, "");
    expect(client.listed()).toEqual([]);
    expect(asked).toEqual([]);
  });

  test("takes over what was written and waits when it is made, by whomever, in the order of writing", () => {
    const { client, moved } = core();
    const { id } = client.conversationWith("li");
    client.drafts.set(id, "and one more");
    client.outbox.add(id, { content: "first", messageType: "text" });
    client.outbox.add(id, { content: "second", messageType: "text" });
    const made = client.sessions.take(document("made"));
    expect(client.outbox.of("made").map((one) => [one.sessionId, one.body.content])).toEqual([
      ["made", "first"],
      ["made", "second"],
    ]);
    expect(client.outbox.of(id)).toEqual([]);
    expect([client.drafts.get("made"), client.drafts.get(id)]).toEqual(["and one more", ""]);
    expect(moved).toEqual([`${id} → made`]);
    // Its old address leads to it, and it is shown while something waits there.
    expect(client.sessions.get(id)).toBe(made);
    expect(client.conversationWith("li")).toBe(made);
    expect(client.listed()).toEqual([made]);
  });

  test("is found again after a reload by what was kept for it", async () => {
    const { client, storage } = core();
    client.drafts.set(plannedId("li"), "kept");
    await client.drafts.flush();
    const later = core(storage).client;
    later.start();
    await expect.poll(() => later.listed().map((one) => one.id)).toEqual([plannedId("li")]);
    later.stop();
  });

  test("that is empty is left out, also when others made it; one with a message or a group is not", () => {
    const { client } = core();
    client.sessions.take(document("empty"));
    const talked = client.sessions.take(document("talked", { participants: ["me", "x"], seq: 1, lastMessageTime: "2026-03-05T09:00:00.000Z" }));
    const group = client.sessions.take(document("group", { sessionType: "group", participants: ["me"] }));
    expect(client.listed()).toEqual([talked, group]);
  });
});

const words = (language: typeof en) =>
  ((key: string, blanks: Record<string, unknown> = {}) => {
    const [section = "", name = ""] = key.split(".");
    const texts = (language as unknown as Record<string, Record<string, string>>)[section] ?? {};
    const text = texts[name] ?? texts[`${name}_other`];
    if (text === undefined) throw new Error(`no text ${key}`);
    return text.replace(/{{(\w+)}}/g, (_, blank: string) => String(blanks[blank]));
  }) as unknown as TFunction;

describe("the line below a name", () => {
  const people = new People();
  people.learn([ME, LI, person("chen", "陈立伟")]);
  const t = words(en);
  const listed = (lastMessagePreview: string, lastMessageSummary?: Summary, group = true) => {
    const session = new SessionStore(document("s", { seq: 4, sessionType: group ? "group" : "private" }), "me");
    session.applyListed({ lastMessagePreview, lastMessageSummary, unread: 0, role: "member", muted: false } as unknown as SessionListed);
    return session;
  };
  const line = (session: SessionStore, language = t) => lastLine(session, people, "me", language);

  test.each<[string, Summary, string, boolean?]>([
    ["Bed 4", { sender: "me", kind: "text" }, "You: Bed 4"],
    ["Bed 4", { sender: "li", kind: "text" }, "李娜: Bed 4"],
    ["Bed 4", { sender: "li", kind: "text" }, "Bed 4", false],
    ["scan.png", { sender: "li", kind: "image" }, "李娜: [Image]"],
    ["The left hip", { sender: "li", kind: "image" }, "李娜: [Image] The left hip"],
    ["voice-12s.webm", { sender: "me", kind: "voice" }, "You: [Voice message]"],
    ["list.pdf", { sender: "me", kind: "file" }, "You: [File] list.pdf"],
    ["", { sender: "li", kind: "text", system: "joined", subjects: ["me", "chen"] }, "李娜 added you, 陈立伟"],
    ["", { sender: "li", kind: "text", system: "removed", subjects: ["me"] }, "李娜 removed you"],
    ["", { sender: "me", kind: "text", system: "left" }, "You left the group"],
    ["", { sender: "li", kind: "merged" }, "李娜: [Chat record]"],
    ["", { sender: "li", kind: "text", system: "silenced", subjects: ["chen"] }, "李娜 silenced 陈立伟"],
    ["", { sender: "li", kind: "text", system: "pinned" as never, subjects: ["chen"] }, "李娜 changed the group"],
    ["something", { sender: "li", kind: "hologram" }, "李娜: something"],
  ])("%s of %o is %s", (preview, summary, expected, group = true) => {
    expect(line(listed(preview, summary, group))).toBe(expected);
  });

  test("asks for the message only where the list's words are not enough", () => {
    expect(needsNewest(listed("Bed 4"))).toBe(false);
    expect(needsNewest(listed(""))).toBe(true);
    expect(needsNewest(listed("", { sender: "li", kind: "text", system: "left" }))).toBe(false);
    expect(needsNewest(listed("", { sender: "li", kind: "text", system: "renamed" }))).toBe(true);
    expect(needsNewest(listed("", { sender: "li", kind: "voice" }))).toBe(false);
  });

  test("is nothing of the protocol, whatever comes", () => {
    const odd = { content: "", messageType: "poll", fileName: "" } as unknown as Message;
    expect(plainText(odd, t)).toBe("[Message]");
    const rank = { sender: "li", subjects: ["me"], system: "role", content: "admin" } as unknown as Message;
    expect(systemText(rank, people, "me", t)).toBe("李娜 made you a group admin");
    expect(systemText(rank, people, "me", words(zh as typeof en))).toBe("李娜将您设为群管理员");
    const role = { sender: "li", subjects: ["chen"], system: "role", content: "janitor" } as unknown as Message;
    expect(systemText(role, people, "me", t)).toBe("李娜 changed the group");
    expect(line(listed("Bed 4", { sender: "me", kind: "text" }), words(zh as typeof en))).toBe("您：Bed 4");
  });
});

describe("a group", () => {
  const people = new People();
  people.learn([ME, person("li", "李娜", { isActive: true }), person("gone", "马丽", { isActive: false })]);

  test("counts those who still read, and whoever nothing is known of", () => {
    expect(people.activeAmong(["me", "li", "gone", "unknown"])).toEqual(["me", "li", "unknown"]);
    people.setInactive(["li", "unknown"]);
    expect(people.activeAmong(["me", "li", "gone", "unknown"])).toEqual(["me", "unknown"]);
  });

  test("says who made it, or, where nobody knows, when", () => {
    const line = (createdBy?: string, language = en) => madeText({ createdBy, createdAt: at }, people, "me", words(language));
    expect(line("li")).toBe("李娜 made the group");
    expect(line("me")).toBe("You made the group");
    expect(line("li", zh as typeof en)).toBe("李娜创建了群聊");
    expect(line("somebody unknown")).toMatch(/^The group was made on .*2026/);
    expect(line()).toMatch(/^The group was made on .*2026/);
  });
});

describe("mentions", () => {
  test("in a muted conversation are counted in the title until they are read", () => {
    const { client } = core();
    const session = client.sessions.take(document("g", { sessionType: "group", seq: 0 }));
    session.applyMembers([{ userId: "me", role: "member", muted: true, joinedAt: at, readSeq: 0, deliveredSeq: 0, readAt: null } as never]);
    const said = (seq: number, mentions: Message["mentions"]) =>
      session.applyMessage({ _id: `m${seq}`, seq, rev: 0, sender: "li", content: "x", mentions, createdAt: at, readBy: [] } as unknown as Message);
    said(1, undefined);
    said(2, ["me"]);
    said(3, "all");
    said(4, ["chen"]);
    session.setUnread(4);
    expect([session.mentioned, client.sessions.unread]).toEqual([2, 2]);
    session.applyRead({ userId: "me", seq: 2, readAt: at });
    session.setUnread(2);
    expect(client.sessions.unread).toBe(1);
    session.applyTombstone({ messageId: "m3", sessionId: "g", seq: 3, rev: 1, deletedAt: at } as never);
    expect(client.sessions.unread).toBe(0);
    session.noteMention(4);
    expect(client.sessions.unread).toBe(1);
    session.setUnread(0);
    expect(client.sessions.unread).toBe(0);
  });
});

describe("somebody nobody told of", () => {
  test("is looked for in the directory, once, where their name is shown", async () => {
    const { client, asked } = core();
    let planned: (() => void) | undefined;
    expect(personName(client.people, "li")).toBe("李娜");
    client.people.onWanted = () => (planned = () => {});
    expect(personName(client.people, "stranger")).toBe("…");
    expect(client.people.strangers()).toEqual(["stranger"]);
    expect(planned).toBeDefined();
    planned = undefined;
    personName(client.people, "stranger");
    expect(planned).toBeUndefined();
    client.people.learn([person("stranger", "Leo Leaver")]);
    expect(personName(client.people, "stranger")).toBe("Leo Leaver");
    expect(client.people.strangers()).toEqual([]);
    expect(asked).toEqual([]);
  });
});

describe("people who are sought", () => {
  const emergency = person("e", "孙倩", { department: "急诊科", title: "主治医师" });
  const ji = person("j", "急救王", { department: "后勤" });
  const smith = person("s", "Hannah Smith", { username: "dr.smith" });

  test("by name come before those of whom something else says so", () => {
    expect(byFit([emergency, ji], "急").map((one) => one._id)).toEqual(["j", "e"]);
    const known = person("p", "李娜", { department: "Lnx" });
    // Whom only the service knows to fit stands before whose department says so.
    expect(byFit([person("d", "赵", { department: "ln ward" }), known], "ln").map((one) => one._id)).toEqual(["d", "p"]);
    expect(fit(smith, "smith")).toBeLessThan(fit(person("x", "Blacksmith"), "smith"));
    expect(fit(smith, "ＨＡＮＮＡＨ")).toBe(1);
  });

  test.each([
    [["李娜", "u", "急诊科", "护士长"], "护士长", true],
    [["Zoë Müller", "u", "ICU", ""], "zoe ICU", true],
    [["Zoë Müller", "u", "ICU", ""], "zoe surgery", false],
  ])("%o by %s: %s", (about, sought, expected) => expect(fits(about, sought)).toBe(expected));

  test("stand in one department, however it is written", () => {
    const all = ["ICU", " icu ", "ＩＣＵ", "", "急诊科"].map((department, n) => person(String(n), `P${n}`, { department }));
    expect(grouped([...all, ME], "me", "").map(([name, people]) => [name, people.length])).toEqual([
      ["ICU", 3],
      ["急诊科", 1],
      ["", 1],
    ]);
  });
});
