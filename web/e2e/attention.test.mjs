// "Read" is told only when somebody looked: the page to be seen, in focus, not idle, the message on the screen.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, device, expect, history, line, login, signIn, until } from "./support.mjs";
import { composer, connection, live, open, row, say, showsUnread, thread, unreadOf } from "./ward.mjs";

const MINUTE = 60_000;

/** What a window says of itself, as a test wants it: also for what no browser under test can be brought to. */
const windowSays = (page, says) =>
  page.evaluate((now) => {
    if ("visible" in now) Object.defineProperty(document, "visibilityState", { configurable: true, get: () => (now.visible ? "visible" : "hidden") });
    if ("focused" in now) document.hasFocus = () => now.focused;
    document.dispatchEvent(new Event("visibilitychange"));
    window.dispatchEvent(new Event(now.focused === false ? "blur" : "focus"));
  }, says);

/** Notifications are kept instead of shown. */
function keepNotes() {
  globalThis.notes = [];
  globalThis.Notification = class {
    static permission = "granted";
    constructor(title, options) {
      globalThis.notes.push({ title, body: options?.body ?? "", tag: options?.tag });
    }
    close() {}
  };
}

async function room(name, others) {
  const owner = await login("dr.zhao");
  const people = await Promise.all(others.map((one) => login(one)));
  const session = await api("POST", "/api/chat/sessions/group", { sessionName: name, participants: people.map((one) => one.user._id) }, owner.token);
  let sent = 0;
  const write = async (count, text = "Line") => {
    for (let n = 0; n < count; n++) {
      sent += 1;
      await api("POST", "/api/chat/messages", { sessionId: session._id, senderId: owner.user._id, content: `${text} ${sent}.` }, owner.token);
    }
  };
  const all = () => history(session._id, owner.token);
  /** Up to which message somebody told that they have read. */
  const readTo = async () => (await all()).filter((one) => one.sender === owner.user._id && one.readCount > 0).at(-1)?.seq ?? 0;
  return { id: session._id, write, readTo, all, owner };
}

const pause = (ms) => new Promise((resume) => setTimeout(resume, ms));

async function reader(name, options = {}) {
  const made = await device(options);
  await made.page.addInitScript(keepNotes);
  await made.page.reload();
  await signIn(made.page, name);
  await live(made.page);
  return made;
}

test("whoever does not look has not read, hears the bell, and comes back to the first unread", async () => {
  const name = "Attention, ward 9";
  const place = await room(name, ["nurse.li"]);
  await place.write(30);
  const li = await reader("nurse.li");
  const { page } = li;
  await page.clock.install();
  await open(page, name);
  await until("the first screen is read", async () => (await page.clock.runFor(400), (await unreadOf(page, name)) < 30));
  for (let n = 0; n < 6; n++) {
    await thread(page).hover();
    await page.mouse.wheel(0, 300);
    await page.clock.runFor(300);
  }
  await until("all is read", async () => (await page.clock.runFor(500), (await unreadOf(page, name)) === 0));
  const lines = page.getByText("Unread", { exact: true });
  const rings = () => page.evaluate((id) => globalThis.notes.filter((note) => note.tag === id).length, place.id);
  const inView = async (text) => {
    const box = await thread(page).getByText(text, { exact: true }).boundingBox();
    const frame = await thread(page).boundingBox();
    return box !== null && box.y >= frame.y - 2 && box.y + box.height <= frame.y + frame.height + 2;
  };

  const absences = {
    "idle for five and a half minutes": [() => page.clock.runFor(5.5 * MINUTE), () => page.mouse.move(300 + Math.random() * 50, 300)],
    "another window has the focus": [() => windowSays(page, { focused: false }), () => windowSays(page, { focused: true })],
    "another tab is in front": [() => windowSays(page, { visible: false }), () => windowSays(page, { visible: true, focused: true })],
    "a dialog covers it": [
      async () => {
        await page.getByRole("button", { name: "Settings" }).click();
        await page.clock.runFor(1_000);
        await page.getByRole("dialog").waitFor();
      },
      async () => {
        await page.keyboard.press("Escape");
        await page.clock.runFor(500);
      },
    ],
  };
  let at = 30;
  for (const [state, [leave, comeBack]] of Object.entries(absences)) {
    const before = await rings();
    const read = await place.readTo();
    await leave();
    await place.write(40);
    await until(`40 unread: ${state}`, async () => (await page.clock.runFor(400), (await unreadOf(page, name)) === 40));
    await page.clock.runFor(3_000);
    assert.equal(await place.readTo(), read, `nothing is read: ${state}`);
    if (!state.startsWith("a dialog")) assert.ok((await rings()) > before, `it rings: ${state}`);
    await expect.seen(lines);
    assert.ok(await inView(`Line ${at + 1}.`), `the first unread is on the screen: ${state}`);
    assert.equal(await inView("Unread"), true, `its line, too: ${state}`);
    await comeBack();
    await page.clock.runFor(2_000);
    await until(`what is on the screen becomes read: ${state}`, async () => (await page.clock.runFor(400), (await place.readTo()) > read));
    assert.ok(await inView(`Line ${at + 1}.`), `the view stays: ${state}`);
    const told = await place.readTo();
    assert.ok(told < read + 40, `what is below the screen is not read: ${state} (${told})`);
    // The end alone makes nothing read of what was left out.
    await page.getByRole("button", { name: "To the newest message" }).click();
    await page.clock.runFor(2_000);
    assert.ok((await place.readTo()) < read + 40, `the end is not everything: ${state}`);
    await page.getByRole("button", { name: "Mark as read" }).click();
    await until(`the person says so: ${state}`, async () => (await page.clock.runFor(500), (await unreadOf(page, name)) === 0));
    at += 40;
  }
  li.calm();
  await li.context.close();
});

test("what came while offline is not read, stands below its line, and rings once for each conversation", async () => {
  const [name, other] = ["Offline, ward 7", "Offline, ward 8"];
  const [place, second] = [await room(name, ["nurse.garcia"]), await room(other, ["nurse.garcia"])];
  await place.write(3);
  await second.write(1);
  const wire = await line();
  const garcia = await reader("nurse.garcia", { url: wire.url });
  const { page } = garcia;
  await open(page, name);
  await showsUnread(page, name, 0);
  const read = await place.readTo();
  await garcia.context.setOffline(true);
  wire.cut();
  await expect.state(connection(page), "offline");
  await place.write(150, "URGENT");
  await second.write(2, "Elsewhere");
  wire.mend();
  await garcia.context.setOffline(false);
  await live(page);
  await expect.seen(page.getByText("Unread", { exact: true }));
  await expect.seen(thread(page).getByText("URGENT 4.", { exact: true }));
  await pause(2_000);
  const told = await place.readTo();
  assert.ok(told >= read && told < 80, `only what was on the screen: ${told}`);
  assert.ok((await unreadOf(page, name)) > 70);
  const notes = await page.evaluate(() => globalThis.notes);
  assert.equal(notes.filter((note) => note.tag === second.id).length, 1, JSON.stringify(notes));
  assert.ok(notes.every((note) => !/URGENT|Elsewhere/.test(note.title + note.body)), "no words, unless they are wanted");
  // One's own word is seen all the same.
  await say(page, "I am here.");
  await expect.seen(thread(page).getByText("I am here."));
  await composer(page).waitFor();
  await row(page, other).first().waitFor();
  garcia.calm();
  await garcia.context.close();
});
