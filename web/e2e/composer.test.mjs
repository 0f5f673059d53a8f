// Where one writes: who is meant, what waits, what comes back, and what nothing takes away.
import assert from "node:assert/strict";
import { test } from "node:test";
import { api, device, expect, history, line, login, PHONE, settled, signIn, until, wellMade } from "./support.mjs";
import { act, bubble, bubbles, composer, connection, live, pending, say, thread } from "./ward.mjs";

const PNG = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
);
const chip = (page) => page.getByTestId("attachment");
const send = (page) => page.getByRole("button", { name: "Send", exact: true });
const stamp = Date.now().toString(36);
let wards = 0;

/** Two colleagues of one name, and a group of the doctor's with both and others in it. */
async function ward(size = 0) {
  const admin = await login("admin");
  wards += 1;
  const mark = `${stamp}.${wards}`;
  const made = async (username, realName, department) =>
    api("POST", "/api/chat/users", { username, realName, department, role: "nurse", password: "long enough a word" }, admin.token);
  const people = [
    await made(`na.one.${mark}`, `赵娜${stamp}`, "Emergency"),
    await made(`na.two.${mark}`, `赵娜${stamp}`, "Surgery"),
    await made(`hannah.${mark}`, `Hannah Smith ${stamp}`, "Emergency"),
  ];
  for (let more = 0; more < size; more++) people.push(await made(`more${more}.${mark}`, `Person ${more} ${stamp}`, "Ward"));
  const chen = await login("dr.chen");
  const participants = people.map((one) => one._id);
  const sessionName = `Composer ${mark}`;
  const group = await api("POST", "/api/chat/sessions/group", { sessionName, participants }, chen.token);
  return { people, group, chen, admin };
}

async function at(group, options = {}) {
  const one = await device(options);
  await signIn(one.page, "dr.chen");
  await live(one.page);
  await goTo(one.page, group);
  return one;
}

async function goTo(page, group) {
  await page.evaluate((id) => {
    location.hash = `/s/${id}`;
  }, group._id);
  await composer(page).waitFor();
}

const last = async (group, token) => (await history(group._id, token)).at(-1);

test("who is chosen is who is called: two of one name, names with blanks, addresses, and everybody only after a question", async () => {
  const { people, group, chen } = await ward(20);
  const { page, calm, context } = await at(group);
  const list = page.getByRole("listbox", { name: /^Mention/ });
  const options = list.getByRole("option");
  const sent = async (text) => {
    await expect.seen(bubble(page, text));
    return until(`«${text}» is stored`, async () => (await history(group._id, chen.token)).find((one) => one.content.includes(text)));
  };
  // The list opens within a Chinese sentence and tells the two apart; the second one is chosen.
  await composer(page).pressSequentially("请@赵娜");
  await expect.count(options, 2);
  await options.filter({ hasText: "Surgery" }).click();
  await composer(page).pressSequentially("看 one");
  await composer(page).press("Enter");
  assert.deepEqual((await sent("看 one")).mentions, [people[1]._id]);
  // Names with blanks, and Ctrl+Z takes back what was put in.
  await composer(page).pressSequentially("@Hannah S");
  await expect.count(options, 1);
  await composer(page).press("Enter");
  assert.equal(await composer(page).inputValue(), `@Hannah Smith ${stamp} `);
  await composer(page).press("Control+z");
  assert.equal(await composer(page).inputValue(), "@Hannah S");
  await composer(page).fill("");
  // "@": everybody is last, and not chosen by itself. An input method's Enter chooses nothing.
  await composer(page).pressSequentially("@");
  await options.first().waitFor();
  assert.match(await options.last().innerText(), /^everyone/);
  assert.equal(await options.last().getAttribute("aria-selected"), "false");
  await composer(page).evaluate((field) => {
    const key = new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true });
    Object.defineProperty(key, "keyCode", { value: 229 });
    field.dispatchEvent(key);
  });
  assert.equal(await composer(page).inputValue(), "@");
  await composer(page).fill("");
  // An address calls nobody.
  await say(page, "Please mail the form to referrals@allied-lab.example today");
  assert.equal((await sent("allied-lab")).mentions, undefined);
  await expect.count(page.getByTestId("mention").filter({ hasText: "@all" }), 0);
  // A typed name that two bear is asked about.
  await say(page, `@赵娜${stamp} two`);
  const question = page.getByRole("alertdialog");
  await question.getByRole("button").filter({ hasText: "Emergency" }).click();
  assert.deepEqual((await sent("two")).mentions, [people[0]._id]);
  // More than 20: how many, and only then.
  await say(page, "@everyone three");
  await question.waitFor();
  assert.match(await question.innerText(), /24/);
  await wellMade(page, "a question before everybody is called");
  await page.keyboard.press("Escape");
  await expect.gone(question);
  assert.equal(await composer(page).inputValue(), "@everyone three");
  await composer(page).press("Enter");
  await question.getByRole("button", { name: "Notify everyone" }).click();
  assert.equal((await sent("three")).mentions, "all");
  calm();
  // A Chinese reader sees the English word marked.
  const reader = await device({ language: "zh" });
  await signIn(reader.page, "dr.chen");
  await live(reader.page);
  await reader.page.evaluate((id) => {
    location.hash = `/s/${id}`;
  }, group._id);
  await expect.seen(reader.page.getByTestId("mention").filter({ hasText: "@everyone" }));
  await reader.context.close();
  await context.close();
});

test("everything a composer holds is there again after another conversation, a reload and the end of a token", async () => {
  const { group, chen } = await ward();
  const { page, calm, context } = await at(group);
  await say(page, "To be answered");
  await expect.seen(bubble(page, "To be answered"));
  await act(page, "To be answered", "Reply");
  await page.getByTestId("file-input").setInputFiles([
    { name: "rhythm.png", mimeType: "image/png", buffer: PNG },
    { name: "nothing.txt", mimeType: "text/plain", buffer: Buffer.alloc(0) },
    ...Array.from({ length: 11 }, (_, at) => ({ name: `note-${at}.txt`, mimeType: "text/plain", buffer: Buffer.from(`${at}`) })),
  ]);
  // Each that was not taken, by its name and why.
  const refused = page.getByTestId("tray").getByRole("alert");
  for (const words of ["nothing.txt was not added: it is empty", "note-9.txt was not added: at most 10", "note-10.txt was not added"]) {
    await expect.seen(refused.getByText(words));
  }
  for (let at = 0; at < 9; at++) await page.getByRole("button", { name: `Remove note-${at}.txt`, exact: true }).click();
  await expect.count(chip(page), 1);
  // A recording goes on while one looks elsewhere: it is attached where it was spoken.
  await page.getByRole("button", { name: "Record a voice message" }).waitFor({ state: "detached" });
  await page.getByRole("button", { name: "Remove rhythm.png" }).click();
  await page.getByRole("button", { name: "Record a voice message" }).click();
  await page.getByText("Recording").waitFor();
  await page.waitForTimeout(1_600);
  await page.evaluate(() => {
    location.hash = "/";
  });
  await page.waitForTimeout(500);
  await goTo(page, group);
  await expect.count(chip(page).and(page.locator("[data-kind=voice]")), 1);
  await page.getByRole("button", { name: "Listen to the recording" }).click();
  await page.getByTestId("file-input").setInputFiles([{ name: "rhythm.png", mimeType: "image/png", buffer: PNG }]);
  await composer(page).fill("   12床，心电图");
  const whole = async (where) => {
    await composer(page).waitFor();
    await until(`the text is there ${where}`, async () => (await composer(page).inputValue()) === "   12床，心电图");
    await expect.count(chip(page), 2);
    await expect.seen(page.getByText("Replying to"));
  };
  await whole("at first");
  await page.waitForTimeout(800);
  await page.reload();
  await whole("after a reload");
  // The token ends; the same person signs in again.
  const token = await page.evaluate(() => JSON.parse(localStorage.getItem("wardline.account")).token);
  await api("POST", "/api/auth/logout", undefined, token);
  await page.reload();
  await signIn(page, "dr.chen");
  await live(page);
  await goTo(page, group);
  await whole("after the end of a token");
  await composer(page).press("Enter");
  const messages = await until("all is stored", async () => {
    const all = (await history(group._id, chen.token)).filter((one) => !one.system);
    return all.length === 3 && all;
  });
  assert.deepEqual(
    messages.map((one) => [one.messageType, one.content, Boolean(one.replyTo)]),
    [["text", "To be answered", false], ["voice", "", true], ["image", "   12床，心电图", false]],
  );
  await expect.count(pending(page), 0);
  calm();
  await context.close();
});

test("two tabs have one draft, and it is sent once", async () => {
  const { group, chen } = await ward();
  const { page, calm, context } = await at(group);
  const other = await context.newPage();
  await other.goto(page.url());
  await live(other);
  await goTo(other, group);
  await composer(page).pressSequentially("Bed 12 needs help");
  await until("the other tab has it", async () => (await composer(other).inputValue()) === "Bed 12 needs help");
  await composer(page).press("Enter");
  await composer(other).press("Enter");
  await until("it is empty in both", async () => !(await composer(page).inputValue()) && !(await composer(other).inputValue()));
  await composer(other).fill("Thanks");
  await composer(other).press("Enter");
  const said = await until("both are stored", async () => {
    const all = (await history(group._id, chen.token)).filter((one) => !one.system).map((one) => one.content);
    return all.includes("Thanks") && all;
  });
  assert.deepEqual(said, ["Bed 12 needs help", "Thanks"]);
  calm();
  await context.close();
});

test("a table is text, a picture beside it is offered; too much text becomes a file; drops never open a file", async () => {
  const { group, chen } = await ward();
  const { page, calm, context } = await at(group);
  const paste = (data) =>
    composer(page).evaluate((field, { text, html, png }) => {
      const clipboard = new DataTransfer();
      if (text) clipboard.setData("text/plain", text);
      if (html) clipboard.setData("text/html", html);
      if (png) clipboard.items.add(new File([Uint8Array.from(png)], "image.png", { type: "image/png" }));
      const event = new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true });
      const kept = field.dispatchEvent(event);
      // What the browser does with a paste that nobody took.
      if (kept && text) document.execCommand("insertText", false, text);
    }, data);
  await composer(page).focus();
  await paste({ text: "K\t4.1\nNa\t140", html: "<table><tr><td>K</td><td>4.1</td></tr></table>", png: [...PNG] });
  assert.equal(await composer(page).inputValue(), "K\t4.1\nNa\t140");
  await expect.count(chip(page), 0);
  await page.getByRole("button", { name: "Attach the picture" }).click();
  await expect.count(chip(page), 1);
  await paste({ html: "<img src='x.png'>", png: [...PNG] });
  await expect.count(chip(page), 2);
  for (let left = 2; left > 0; left--) await page.getByRole("button", { name: "Remove image.png" }).first().click();
  // 100,000 characters: the field answers, and they go as a file.
  await composer(page).fill("");
  await paste({ text: "心".repeat(100_000) });
  await expect.seen(page.getByText("92,000 characters too long"));
  await composer(page).press("End");
  await composer(page).pressSequentially("abc");
  await expect.seen(page.getByText("92,003 characters too long"));
  await page.getByRole("button", { name: "Send as file" }).click();
  await expect.count(chip(page), 1);
  assert.equal(await composer(page).inputValue(), "");
  await send(page).click();
  await until("the file is stored", async () => (await last(group, chen.token))?.messageType === "file");
  // Dropped where nothing can take it, nothing happens to the page; where it can be taken, it is.
  const drop = () =>
    page.evaluate(() => {
      const data = new DataTransfer();
      data.items.add(new File(["x"], "dropped.txt", { type: "text/plain" }));
      const event = (name) => new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true });
      document.body.dispatchEvent(event("dragenter"));
      const over = document.body.dispatchEvent(event("dragover"));
      return [over, document.body.dispatchEvent(event("drop"))];
    });
  assert.deepEqual(await drop(), [false, false]);
  await expect.count(chip(page).filter({ hasText: "dropped.txt" }), 1);
  await page.evaluate(() => {
    location.hash = "/";
  });
  await expect.gone(composer(page));
  assert.deepEqual(await drop(), [false, false]);
  // A telephone's picture becomes one that everybody can open.
  await page.evaluate(() => {
    globalThis.createImageBitmap = async () => {
      const canvas = document.createElement("canvas");
      canvas.width = 4;
      canvas.height = 2;
      canvas.getContext("2d").fillRect(0, 0, 4, 2);
      return Object.assign(canvas, { close: () => {} });
    };
  });
  await goTo(page, group);
  await page.getByRole("button", { name: "Remove dropped.txt" }).click();
  assert.match(await page.getByTestId("file-input").getAttribute("accept"), /heic/);
  await page.getByTestId("file-input").setInputFiles([{ name: "IMG_1.HEIC", mimeType: "image/heic", buffer: Buffer.from("....ftypheic....") }]);
  await expect.seen(chip(page).filter({ hasText: "IMG_1.jpg" }));
  await send(page).click();
  await until("it is a picture", async () => (await last(group, chen.token))?.messageType === "image");
  // Emoji are found by a word and remembered.
  await page.getByRole("button", { name: "Insert an emoji" }).click();
  await page.getByRole("searchbox", { name: "Search emoji" }).fill("听诊");
  await page.keyboard.press("Enter");
  assert.equal(await composer(page).inputValue(), "🩺");
  await page.getByRole("button", { name: "Insert an emoji" }).click();
  await expect.seen(page.getByRole("region", { name: "Recently used" }).getByRole("button", { name: "🩺" }));
  await wellMade(page, "emoji");
  calm();
  await context.close();
});

test("without the network files wait like words; a closed account is said in place of the field; fingers write lines", async () => {
  const { people, group, chen, admin } = await ward();
  const cable = await line();
  const { page, calm, context } = await at(group, { url: cable.url, viewport: PHONE });
  cable.cut();
  await expect.state(connection(page), "offline");
  await expect.seen(page.getByRole("button", { name: "Take a picture" }));
  await page.getByTestId("camera-input").setInputFiles([{ name: "wound.png", mimeType: "image/png", buffer: PNG }]);
  await expect.seen(chip(page).getByText("Uploaded when the connection is back"));
  await composer(page).pressSequentially("first line");
  await composer(page).press("Enter");
  await composer(page).pressSequentially("second line");
  assert.equal(await composer(page).inputValue(), "first line\nsecond line");
  await send(page).click();
  await expect.count(pending(page), 1);
  assert.equal((await history(group._id, chen.token)).filter((one) => !one.system).length, 0);
  cable.mend();
  const sent = await until("it is stored", async () => (await history(group._id, chen.token)).find((one) => !one.system));
  assert.deepEqual([sent.messageType, sent.content], ["image", "first line\nsecond line"]);
  await expect.count(pending(page), 0);
  // Reply to what is recalled meanwhile: a question, and the words stay.
  const [other] = people;
  const nurse = await login(other.username, "long enough a word");
  const asked = await api("POST", "/api/chat/messages", { sessionId: group._id, senderId: nurse.user._id, content: "asked" }, nurse.token);
  await expect.seen(bubble(page, "asked"));
  await bubbles(page).filter({ hasText: "asked" }).click({ button: "right" });
  await page.getByRole("menuitem", { name: "Reply", exact: true }).click();
  await composer(page).fill("my answer");
  await api("POST", `/api/chat/messages/${asked._id}/recall`, undefined, nurse.token);
  await expect.seen(page.getByText("This message was deleted").first());
  await send(page).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Send without the quote" }).click();
  await expect.seen(bubble(page, "my answer"));
  // Somebody whose account is closed.
  const body = { userId1: chen.user._id, userId2: other._id };
  const session = await api("POST", "/api/chat/sessions/private", body, chen.token);
  await api("POST", "/api/chat/messages", { sessionId: session._id, senderId: chen.user._id, content: "before" }, chen.token);
  await api("PATCH", `/api/chat/users/${other._id}`, { isActive: false }, admin.token);
  await page.evaluate((id) => {
    location.hash = `/s/${id}`;
  }, session._id);
  await page.reload();
  await expect.seen(page.getByTestId("inactive").getByText("no longer uses Wardline"));
  await expect.count(composer(page), 0);
  await expect.seen(page.getByRole("banner").getByText("Account closed").or(page.getByText("Account closed")));
  await expect.seen(thread(page));
  calm();
  await context.close();
});

test("who no longer uses it is neither counted nor offered, and is shown as such among the members", async () => {
  const { people, group, chen, admin } = await ward(20);
  const [gone] = people;
  const { page, calm, context } = await at(group);
  const head = page.locator("header").filter({ has: page.getByRole("heading", { level: 1 }) });
  await expect.seen(head.getByText("24 members"));
  await expect.seen(page.getByText("You made the group"));
  // Closed while the page is open: what the page asks next tells it.
  await api("PATCH", `/api/chat/users/${gone._id}`, { isActive: false }, admin.token);
  await page.getByRole("button", { name: "Details of the conversation" }).click();
  const details = page.getByRole("complementary", { name: "Group details" });
  await expect.seen(details.getByRole("heading", { name: "Members (23)" }));
  await expect.seen(head.getByText("23 members"));
  const row = details.getByRole("listitem").filter({ hasText: "Account closed" });
  await expect.count(row, 1);
  await expect.seen(row.getByText(gone.realName));
  await expect.count(row.locator("[data-presence]"), 0);
  await row.getByRole("button", { name: /^Actions for/ }).click();
  await expect.seen(page.getByRole("menuitem", { name: "Remove from the group" }));
  await expect.count(page.getByRole("menuitem"), 1);
  await page.keyboard.press("Escape");
  await page.keyboard.press("Escape");
  await composer(page).fill("@everyone handover");
  await send(page).click();
  const asked = page.getByRole("alertdialog");
  await expect.seen(asked.getByText("all 22 other members of this group of 23"));
  await asked.getByRole("button", { name: "Cancel" }).click();
  // Of the two of one name only one is left to be called.
  await composer(page).fill("");
  await composer(page).pressSequentially(`@${gone.realName}`);
  await expect.count(page.getByRole("option"), 1);
  await composer(page).fill("");
  await composer(page).pressSequentially("@");
  await expect.seen(page.getByRole("option").filter({ hasText: /everyone\s*23 members/ }));
  await composer(page).fill("");
  // A private conversation with them is no place to forward to.
  const body = { userId1: chen.user._id, userId2: people[1]._id };
  const session = await api("POST", "/api/chat/sessions/private", body, chen.token);
  await api("POST", "/api/chat/messages", { sessionId: session._id, senderId: chen.user._id, content: "before" }, chen.token);
  await composer(page).fill("to be forwarded");
  await send(page).click();
  await act(page, "to be forwarded", "Forward");
  const dialog = page.getByRole("dialog");
  await expect.seen(dialog.getByRole("checkbox", { name: new RegExp(people[1].realName) }));
  await page.keyboard.press("Escape");
  await api("PATCH", `/api/chat/users/${people[1]._id}`, { isActive: false }, admin.token);
  await settled(page);
  await page.reload();
  await live(page);
  await expect.seen(head.getByText("22 members"));
  await act(page, "to be forwarded", "Forward");
  await expect.seen(dialog.getByRole("checkbox").first());
  await expect.count(dialog.getByRole("checkbox", { name: new RegExp(people[1].realName) }), 0);
  calm();
  await context.close();
});

test("what points at other words says when they change, and copies keep what was said", async () => {
  const { people, group, chen } = await ward();
  const nurse = await login(people[0].username, "long enough a word");
  const post = (one, content, more = {}) =>
    api("POST", "/api/chat/messages", { sessionId: group._id, senderId: one.user._id, content, ...more }, one.token);
  const order = await post(nurse, "Give 5 mg");
  const { page, calm, context } = await at(group);
  await expect.seen(page.getByText("You made the group"));
  await post(chen, "Done, thank you", { replyTo: order._id });
  await api("POST", "/api/chat/messages/forward", { messageIds: [order._id], toSessionIds: [group._id], mode: "each" }, chen.token);
  const answer = bubble(page, "Done, thank you");
  const copy = bubble(page, "Forwarded from");
  await expect.seen(answer.getByText("Give 5 mg"));
  await expect.seen(copy.locator("time"));
  await expect.count(page.getByTestId("changed-since"), 0);

  // Edited, while another answer is being written.
  await bubbles(page).first().click({ button: "right" });
  await page.getByRole("menuitem", { name: "Reply", exact: true }).click();
  await composer(page).fill("I do so");
  await api("PUT", `/api/chat/messages/${order._id}`, { content: "Give 50 mg" }, nurse.token);
  await expect.seen(page.getByRole("alert").getByText("changed since you began to answer"));
  await expect.seen(answer.getByText("edited since"));
  await expect.seen(answer.getByText("Give 50 mg"));
  await expect.seen(copy.getByText("Give 5 mg", { exact: true }));
  // Written before the edit and sent after it: its readers are told, by the event and by a fresh page.
  await post(chen, "As ordered", { replyTo: order._id, replyToAsOf: order.createdAt });
  const late = bubble(page, "As ordered");
  await expect.seen(late.getByText("The original was edited since"));
  await post(chen, "50 then", { replyTo: order._id });
  await expect.count(bubble(page, "50 then").getByTestId("changed-since"), 0);
  // A copy of what had been edited says so.
  const { messages } = await api("POST", "/api/chat/messages/forward", { messageIds: [order._id], toSessionIds: [group._id], mode: "merged" }, chen.token);
  await bubbles(page).filter({ hasText: "Chat record" }).last().getByRole("button", { name: /Chat record/ }).click();
  const record = page.getByRole("dialog");
  await expect.seen(record.getByText("edited", { exact: true }));
  assert.ok(messages[0].merged[0].editedAt);
  await page.keyboard.press("Escape");
  await expect.gone(record);
  await settled(page);
  await page.reload();
  await live(page);
  await expect.seen(late.getByText("The original was edited since"));
  // A copy is somebody else's words: its sender does not write them anew.
  await copy.click({ button: "right" });
  await expect.seen(page.getByRole("menuitem", { name: "Unsend", exact: true }));
  await expect.count(page.getByRole("menuitem", { name: "Edit", exact: true }), 0);
  await page.keyboard.press("Escape");

  // Taken back: the answer says so, the copy keeps saying what it said.
  await api("POST", `/api/chat/messages/${order._id}/recall`, undefined, nurse.token);
  await expect.seen(answer.getByText("This message was deleted"));
  await expect.seen(copy.getByText("Give 5 mg", { exact: true }));
  calm();
  await context.close();
});
