// Lists and fields that look for people: what they show, what they leave out, and whom they find.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, device, expect, login, PHONE, signIn, until } from "./support.mjs";
import { act, bubble, composer, live, open, row, say } from "./ward.mjs";

async function atWork(username, options) {
  const made = await device(options);
  await signIn(made.page, username);
  await live(made.page);
  return made;
}

const sessionsOf = async ({ user, token }) => api("GET", `/api/chat/sessions/${user._id}?limit=100`, undefined, token);

/** Somebody with whom this person has no conversation yet. */
async function stranger(to) {
  const all = await api("GET", "/api/chat/users?limit=100", undefined, to.token);
  const known = new Set((await sessionsOf(to)).flatMap((one) => (one.sessionType === "private" ? one.participants : [])));
  return all.find((one) => !known.has(one._id) && one._id !== to.user._id && one.role !== "admin");
}

test("a conversation is made with its first message, not when somebody is chosen", async () => {
  const xu = await login("nurse.xu");
  const other = await stranger(xu);
  const before = (await sessionsOf(xu)).length;
  const { page, context, calm } = await atWork("nurse.xu");
  await page.getByRole("button", { name: "Directory", exact: true }).click();
  const directory = page.getByRole("region", { name: "Directory" });
  await directory.getByRole("searchbox").fill(other.realName);
  await directory.getByRole("button").filter({ hasText: other.realName }).first().click();
  await page.getByRole("heading", { level: 1, name: other.realName }).waitFor();
  await composer(page).waitFor();
  assert.equal((await sessionsOf(xu)).length, before, "nothing was made by looking");
  await expect.count(row(page, other.realName), 0);

  // A draft keeps it in the list, also over a reload.
  await composer(page).fill("Half a thought");
  await page.getByRole("button").filter({ hasText: "马丽" }).first().click();
  await row(page, other.realName).filter({ hasText: "Half a thought" }).waitFor();
  await page.reload();
  await live(page);
  await row(page, other.realName).filter({ hasText: "Half a thought" }).click();
  await until("the draft is there", async () => (await composer(page).inputValue()) === "Half a thought");
  assert.equal((await sessionsOf(xu)).length, before);

  await say(page, "Now it is said.");
  await expect.seen(bubble(page, "Now it is said."));
  await until("it has an address of its own", async () => /#\/s\/[0-9a-f]{24}$/.test(page.url()));
  await expect.count(bubble(page, "Now it is said."), 1);
  assert.equal((await sessionsOf(xu)).length, before + 1);
  assert.equal(await composer(page).inputValue(), "");
  await row(page, other.realName).filter({ hasText: "You: Now it is said." }).waitFor();
  calm();
  await context.close();
});

test("people are found by department and title, and messages go on to whom there is no conversation with", async () => {
  const wu = await login("nurse.wu");
  const other = await stranger(wu);
  const { page, context, calm } = await atWork("nurse.wu");
  await page.getByRole("button", { name: "New group" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("searchbox").fill(other.realName);
  await dialog.getByRole("checkbox", { name: new RegExp(other.realName) }).check();
  await until("the field is empty for the next", async () => (await dialog.getByRole("searchbox").inputValue()) === "");
  await dialog.getByRole("searchbox").fill("zzzz nobody");
  await dialog.getByText("Nobody matches.").waitFor();
  await page.keyboard.press("Escape");

  await page.getByRole("button").filter({ hasText: "陈立伟" }).first().click().catch(() => open(page, "陈立伟"));
  await say(page, "Goes on to somebody new.");
  await act(page, "Goes on to somebody new.", "Forward");
  const forward = page.getByRole("dialog");
  await forward.getByRole("searchbox").fill("zzzz nobody");
  await forward.getByText("Nobody matches.").waitFor();
  await forward.getByRole("searchbox").fill(other.realName);
  await forward.getByRole("checkbox", { name: new RegExp(other.realName) }).check();
  await forward.getByText("1 conversation", { exact: true }).waitFor();
  await forward.getByRole("button", { name: "Forward", exact: true }).click();
  await row(page, other.realName).waitFor();
  assert.ok((await sessionsOf(wu)).some((one) => one.participants.includes(other._id)));

  // Filters alone find; whose messages is a field that finds people.
  await page.getByRole("button", { name: "Search messages" }).click();
  const panel = page.getByRole("complementary", { name: "Search messages" });
  await panel.getByRole("searchbox", { name: "Sent by" }).fill("陈立");
  await panel.getByRole("list", { name: "People" }).getByRole("button").filter({ hasText: "陈立伟" }).click();
  await panel.getByRole("button", { name: /陈立伟/ }).first().waitFor();
  calm();
  await context.close();
});

test("who left a group is still named beside what they wrote, on a page that never heard of them", async () => {
  const admin = await login("admin");
  const xu = await login("nurse.xu");
  const wu = await login("nurse.wu");
  const stamp = Date.now().toString(36);
  const name = `Leo Leaver ${stamp}`;
  const leaver = { username: `leaver.${stamp}`, realName: name, role: "nurse", password: "long enough a word" };
  const gone = await api("POST", "/api/chat/users", leaver, admin.token);
  const participants = [gone._id, wu.user._id];
  const group = await api("POST", "/api/chat/sessions/group", { sessionName: `Left behind ${stamp}`, participants }, xu.token);
  const { token } = await login(leaver.username, leaver.password);
  await api("POST", "/api/chat/messages", { sessionId: group._id, senderId: gone._id, content: "Give 5 mg" }, token);
  await api("DELETE", `/api/chat/sessions/${group._id}/participants/${gone._id}`, undefined, token);
  const { page, context, calm } = await atWork("nurse.wu");
  await row(page, `Left behind ${stamp}`).filter({ hasText: `${name} left the group` }).click();
  await page.getByTestId("thread").getByText(name, { exact: true }).first().waitFor();
  await page.getByTestId("thread").getByText(`${name} left the group`).waitFor();
  await page.getByTestId("thread").getByText(`${xu.user.realName} made the group`).waitFor();
  calm();
  await context.close();
});

test("a question comes before what cannot be undone, and the list of keys is true", async () => {
  const { page, context, calm } = await atWork("nurse.patel");
  await open(page, "张慧");
  await say(page, "To be deleted");
  await act(page, "To be deleted", "Delete");
  const dialog = page.getByRole("dialog", { name: "Delete message" });
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await expect.count(bubble(page, "To be deleted"), 1);
  await act(page, "To be deleted", "Delete");
  await dialog.getByRole("button", { name: "Delete" }).click();
  await expect.count(bubble(page, "To be deleted"), 0);

  // In a field it is a letter; elsewhere it shows the keys.
  await composer(page).pressSequentially("what?");
  assert.equal(await composer(page).inputValue(), "what?");
  await composer(page).fill("");
  await page.getByTestId("thread").focus();
  await page.keyboard.press("?");
  const keys = page.getByRole("dialog", { name: "Keyboard shortcuts" });
  await keys.getByText("Ctrl K").waitFor();
  await page.keyboard.press("Escape");
  await expect.gone(keys);
  const heading = () => page.getByRole("heading", { level: 1 }).first().innerText();
  const first = await heading();
  await page.keyboard.press("Alt+ArrowDown");
  await until("another conversation", async () => (await heading()) !== first);
  await page.keyboard.press("Alt+ArrowUp");
  await until("the first again", async () => (await heading()) === first);
  await page.keyboard.press("Control+Shift+F");
  await page.getByRole("complementary", { name: "Search messages" }).waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("Control+k");
  await until("the finder has the focus", () => page.evaluate(() => document.activeElement?.id === "find-conversation"));

  // Every list is one stop of Tab, and arrows go through it.
  const at = () => page.evaluate(() => document.activeElement?.closest("[data-session-row]")?.dataset.sessionRow ?? "");
  const stops = (list) => list.evaluateAll((all) => all.filter((one) => one.tabIndex >= 0).length);
  const oneStop = async (name, list) => {
    await list.nth(1).waitFor();
    await until(`${name}: one stop`, async () => (await stops(list)) === 1);
  };
  await oneStop("conversations", page.locator("[data-session-row]"));
  await page.keyboard.press("ArrowDown");
  assert.equal(await at(), "0");
  await page.keyboard.press("ArrowDown");
  assert.equal(await at(), "1");
  await oneStop("conversations", page.locator("[data-session-row]"));
  await page.keyboard.press("Tab");
  assert.equal(await at(), "", "Tab leaves the list");
  await page.keyboard.press("Shift+Tab");
  assert.notEqual(await at(), "", "and comes back into it");
  await page.keyboard.press("Home");
  await page.keyboard.press("ArrowUp");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "find-conversation");
  await page.getByRole("button", { name: "Directory", exact: true }).click();
  await oneStop("directory", page.getByRole("region", { name: "Directory" }).locator("li button"));
  await page.getByRole("button", { name: /^Chats/ }).click();
  await open(page, "Rapid response team");
  await page.getByRole("button", { name: "Details of the conversation" }).click();
  const members = page.getByRole("complementary").getByRole("button", { name: /^Actions for/ });
  await oneStop("members", members);
  await members.first().focus();
  await page.keyboard.press("ArrowDown");
  assert.equal(await members.nth(1).evaluate((one) => one === document.activeElement), true, "the next member");
  await expect.count(page.getByRole("menu"), 0);
  calm();
  await context.close();
});

test("on a phone a tap does nothing, a long press opens the menu, and while choosing a tap chooses", async () => {
  const { page, context, calm } = await atWork("nurse.garcia", { viewport: PHONE });
  await open(page, "Hannah Smith");
  await composer(page).fill("First for the finger");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await composer(page).fill("Second for the finger");
  await page.getByRole("button", { name: "Send", exact: true }).click();
  await expect.seen(bubble(page, "Second for the finger"));
  await bubble(page, "First for the finger").tap();
  await expect.count(page.getByRole("menu"), 0);
  const box = await bubble(page, "First for the finger").boundingBox();
  const touch = await context.newCDPSession(page);
  const point = { x: box.x + 20, y: box.y + 12 };
  await touch.send("Input.dispatchTouchEvent", { type: "touchStart", touchPoints: [point] });
  await page.getByRole("menu").waitFor();
  await touch.send("Input.dispatchTouchEvent", { type: "touchEnd", touchPoints: [] });
  await page.getByRole("menuitem", { name: "Select several" }).click();
  await page.getByRole("status").filter({ hasText: "1 message" }).waitFor();
  await bubble(page, "Second for the finger").tap();
  await page.getByRole("status").filter({ hasText: "2 messages" }).waitFor();
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  const text = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(text, /\] .+: First for the finger\n\[.+\] .+: Second for the finger$/);
  calm();
  await context.close();
});
