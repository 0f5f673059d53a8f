// A shift: people talk, lose the network, write on, come back. Nothing is lost, nothing doubled.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, device, expect, history, line, login, signIn, until } from "./support.mjs";
import { act, bubble, bubbles, composer, connection, holdsInOrder, live, open, pending, row, say, showsUnread, unreadOf } from "./ward.mjs";

const [LI, CHEN, ZHANG] = ["李娜", "陈立伟", "张慧"]; // nurse.li, dr.chen, nurse.zhang

/** The private session of two people, and a token to look into it. */
async function sessionOf(one, other) {
  const [{ token, user }, { user: second }] = await Promise.all([login(one), login(other)]);
  const session = await api("POST", "/api/chat/sessions/private", { userId1: user._id, userId2: second._id }, token);
  return { id: session._id, token };
}

async function atWork(username, options) {
  const made = await device(options);
  await signIn(made.page, username);
  await live(made.page);
  return made;
}

test("two people talk, and see how far each message has come", async () => {
  const [li, chen] = [await atWork("nurse.li"), await atWork("dr.chen")];
  await open(li.page, CHEN);
  const before = await unreadOf(chen.page, LI);
  await say(li.page, "Bed 12 is ready for the transfer.");
  await expect.seen(bubble(li.page, "Bed 12 is ready"));
  await showsUnread(chen.page, LI, before + 1);
  assert.match(await chen.page.title(), /^\(\d+\) Wardline$/);
  await li.page.getByRole("button", { name: "Delivered" }).last().waitFor();

  await open(chen.page, LI);
  await expect.seen(bubble(chen.page, "Bed 12 is ready"));
  await showsUnread(chen.page, LI, 0);
  await bubble(li.page, "Bed 12 is ready").getByRole("button", { name: "Read", exact: true }).waitFor();

  await composer(chen.page).pressSequentially("On my");
  await li.page.getByText(`${CHEN} is typing…`).first().waitFor();
  await composer(chen.page).fill("On my way.");
  await composer(chen.page).press("Shift+Enter");
  await composer(chen.page).pressSequentially("Five minutes.");
  await composer(chen.page).press("Enter");
  await expect.seen(bubble(li.page, "Five minutes."));

  await act(li.page, "On my way.", "Reply");
  await say(li.page, "Thank you, doctor.");
  await expect.seen(bubble(chen.page, "Thank you, doctor.").filter({ hasText: "On my way." }));
  await act(chen.page, "Thank you, doctor.", "React 👍");
  await li.page.getByRole("button", { name: /^👍/ }).waitFor();
  await act(li.page, "Thank you, doctor.", "Edit");
  await say(li.page, "Thank you, Dr Chen.");
  await expect.seen(bubble(chen.page, "Thank you, Dr Chen.").filter({ hasText: "edited" }));
  const recalled = chen.page.getByText(`${LI} unsent a message`);
  const gone = await recalled.count();
  await act(li.page, "Bed 12 is ready", "Unsend");
  await expect.count(recalled, gone + 1);
  await expect.count(bubble(chen.page, "Bed 12 is ready"), 0);
  for (const one of [li, chen]) {
    one.calm();
    await one.context.close();
  }
});

test("without the network one writes on, and after it nothing is lost or doubled", async () => {
  const wire = await line();
  const session = await sessionOf("nurse.li", "dr.chen");
  const [li, chen] = [await atWork("nurse.li", { url: wire.url }), await atWork("dr.chen")];
  await open(li.page, CHEN);
  await open(chen.page, LI);
  const shown = (presence) => li.page.getByRole("img", { name: presence, exact: true });
  await expect.seen(shown("Online"));

  // The last word before the end: it arrives, its acknowledgement does not.
  wire.deafen();
  await say(li.page, "First: the ward round is at nine.");
  await expect.seen(bubble(chen.page, "First: the ward round"));
  await expect.count(pending(li.page), 1);

  await li.context.setOffline(true);
  wire.cut();
  await expect.state(connection(li.page), "offline");
  await li.page.getByText("You can go on writing").waitFor();
  // Who is there cannot be known now.
  await expect.seen(shown("Presence unknown"));
  for (const presence of ["Online", "Away", "Offline"]) await expect.count(shown(presence), 0);
  await say(li.page, "Second: written without the network.");
  await say(li.page, "Third: and one more.");
  await expect.count(pending(li.page), 3);
  await say(chen.page, "Where are you?");
  await say(chen.page, "The round begins.");
  await composer(li.page).fill("A draft that nobody sends");

  // The page is loaded anew while the way to the service is still blocked: what was written is still there.
  wire.letPagesThrough();
  await li.context.setOffline(false);
  await li.page.reload();
  await li.page.getByText("3 messages wait to be sent").waitFor();

  wire.mend();
  await live(li.page);
  await until("the draft is kept", async () => (await composer(li.page).inputValue()) === "A draft that nobody sends");
  const texts = ["First: the ward round is at nine.", "Second: written without the network.", "Third: and one more."];
  await until("all are committed", async () => (await history(session.id, session.token)).some(({ content }) => content === texts[2]));
  await expect.count(pending(li.page), 0);
  for (const page of [li.page, chen.page]) {
    for (const text of [...texts, "Where are you?", "The round begins."]) await expect.count(bubble(page, text), 1);
  }
  const messages = await history(session.id, session.token);
  holdsInOrder(messages, [texts[0], "Where are you?", "The round begins.", texts[1], texts[2]]);
  const seen = await bubbles(li.page).allInnerTexts();
  const there = await bubbles(chen.page).allInnerTexts();
  const last = (all) => all.slice(-5).map((text) => text.split("\n")[0]);
  assert.deepEqual(last(seen), last(there), "both end with the same words in the same order");
  for (const one of [li, chen]) {
    one.calm();
    await one.context.close();
  }
});

test("what is read on one device is read on the other", async () => {
  const [desk, pocket] = [await atWork("nurse.patel"), await atWork("nurse.patel", { viewport: { width: 360, height: 740 } })];
  const zhang = await login("nurse.zhang");
  const before = await unreadOf(desk.page, ZHANG);
  const session = await sessionOf("nurse.zhang", "nurse.patel");
  const patel = await login("nurse.patel");
  const counts = await api("GET", `/api/chat/messages/unread/${patel.user._id}`, undefined, patel.token);
  const elsewhere = counts.unreadCount - before;
  for (const content of ["Handover at seven.", "Bring the list, please."]) {
    await api("POST", "/api/chat/messages", { sessionId: session.id, senderId: zhang.user._id, content }, zhang.token);
  }
  await showsUnread(desk.page, ZHANG, before + 2);
  await showsUnread(pocket.page, ZHANG, before + 2);
  await open(pocket.page, ZHANG);
  await expect.seen(bubble(pocket.page, "Bring the list, please."));
  await showsUnread(desk.page, ZHANG, 0);
  const quiet = elsewhere > 0 ? `(${elsewhere}) Wardline` : "Wardline";
  await until(`the title is ${quiet}`, async () => (await desk.page.title()) === quiet);
  await pocket.page.getByRole("button", { name: "Back" }).click();
  await showsUnread(pocket.page, ZHANG, 0);
  for (const one of [desk, pocket]) {
    one.calm();
    await one.context.close();
  }
});

test("a group is made, written to and left", async () => {
  const [li, chen] = [await atWork("nurse.li"), await atWork("dr.chen")];
  await li.page.getByRole("button", { name: "New group" }).click();
  await li.page.getByLabel("Name of the group").fill("Ward 3, night");
  for (const name of ["dr.chen", "nurse.wu"]) {
    await li.page.getByRole("searchbox", { name: "Find people" }).fill(name);
    await li.page.getByRole("checkbox", { name: new RegExp(name === "dr.chen" ? CHEN : "吴晓燕") }).check();
  }
  await li.page.getByRole("button", { name: "Create group" }).click();
  await li.page.getByRole("heading", { level: 1, name: "Ward 3, night" }).waitFor();
  await say(li.page, "Who has the keys?");
  await showsUnread(chen.page, "Ward 3, night", 1);
  await open(chen.page, "Ward 3, night");
  await expect.seen(bubble(chen.page, "Who has the keys?"));
  await say(chen.page, "I have them.");
  await expect.seen(bubble(li.page, "I have them."));
  await bubble(li.page, "Who has the keys?").getByRole("button", { name: "Read by 1" }).click();
  await li.page.getByRole("dialog", { name: "Who has read it" }).getByText(CHEN).waitFor();
  await li.page.keyboard.press("Escape");

  await chen.page.getByRole("button", { name: "Details of the conversation" }).click();
  await chen.page.getByRole("button", { name: "Leave the group" }).click();
  await chen.page.getByRole("button", { name: "Leave the group" }).last().click();
  await li.page.getByText(`${CHEN} left the group`).first().waitFor();
  await expect.count(row(chen.page, "Ward 3, night"), 0);

  // Who is removed while writing reads by whom, and keeps what was written.
  const owner = await login("nurse.li");
  const { user } = await login("dr.chen");
  const membersPath = `/api/chat/sessions/${new URL(li.page.url()).hash.split("/").at(-1)}/participants`;
  await api("POST", membersPath, { userIds: [user._id] }, owner.token);
  await open(chen.page, "Ward 3, night");
  await composer(chen.page).fill("The keys are in the left drawer");
  await api("DELETE", `${membersPath}/${user._id}`, undefined, owner.token);
  await chen.page.getByText(`You were removed from “Ward 3, night” by ${LI}.`).waitFor();
  assert.equal(await chen.page.getByRole("textbox", { name: "What you had written there:" }).inputValue(), "The keys are in the left drawer");
  await chen.page.getByRole("button", { name: "Copy text" }).click();
  assert.equal(await chen.page.evaluate(() => navigator.clipboard.readText()), "The keys are in the left drawer");
  for (const one of [li, chen]) {
    one.calm();
    await one.context.close();
  }
});

test("signing out ends the token and clears what was stored", async () => {
  const li = await atWork("nurse.xu");
  await li.page.getByRole("button").filter({ hasText: "马丽" }).first().click();
  await composer(li.page).fill("Half a thought");
  const kept = () => li.page.evaluate(() => JSON.parse(localStorage.getItem("wardline.account") ?? "null")?.token ?? null);
  const token = await kept();
  assert.ok(token);
  await li.page.getByRole("button", { name: "Settings" }).click();
  await li.page.getByRole("button", { name: "Sign out", exact: true }).click();
  await li.page.getByLabel("Username").waitFor();
  assert.equal(await kept(), null);
  await until("the databases are gone", async () =>
    (await li.page.evaluate(() => indexedDB.databases())).every(({ name }) => !name?.startsWith("wardline")),
  );
  const answer = await fetch(new URL("/api/auth/me", li.url), { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 401);
  li.calm();
  await li.context.close();
});
