// The administrators' pages: the house at a glance, tables for spreadsheets, and the people.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { api, device, expect, login, PHONE, service, signIn, until, WIDE, wellMade } from "./support.mjs";
import { live } from "./ward.mjs";

async function atDesk(options) {
  const made = await device(options);
  await signIn(made.page, "admin");
  await live(made.page);
  await made.page.getByRole("link", { name: "Administration" }).click();
  await made.page.getByRole("heading", { level: 1, name: "Dashboard" }).waitFor();
  return made;
}

/** The figure of a tile, once it is there. */
const tile = (page, name) => page.locator("dl[aria-label='Right now'] > div").filter({ hasText: name }).locator("dd").first();

const panel = (page, name) => page.getByRole("region", { name, exact: true }).first();

async function downloaded(page, name) {
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: `Download “${name}” as CSV` }).click();
  const download = await coming;
  return { name: download.suggestedFilename(), text: readFileSync(await download.path(), "utf8") };
}

test("the dashboard shows what the service counts, and hands it out as tables", async () => {
  const { page, context, calm } = await atDesk();
  const { token } = await login("admin");
  const overview = await api("GET", "/api/chat/stats", undefined, token);
  const figure = (value) => new Intl.NumberFormat("en-GB").format(value);
  await until("people online", async () => (await tile(page, "People online").innerText()) === "1");
  assert.equal(await tile(page, "Unread messages").innerText(), figure(overview.unread.total));
  assert.equal(await tile(page, "Conversations").innerText(), figure(overview.sessions.total));
  assert.equal(await tile(page, "Messages today").innerText(), figure(overview.messages.today));

  // Somebody comes and writes: the next look sees it, without anything being pressed.
  const chen = await login("dr.chen");
  const [session] = await api("GET", `/api/chat/sessions/${chen.user._id}`, undefined, chen.token);
  await api("POST", "/api/chat/messages", { sessionId: session._id, senderId: chen.user._id, content: "Counted at the desk" }, chen.token);
  await until("one more message today", async () => (await tile(page, "Messages today").innerText()) === figure(overview.messages.today + 1), 20_000);

  const trends = panel(page, "Messages and active people");
  await trends.getByRole("img").waitFor();
  await trends.getByRole("button", { name: "As a table" }).click();
  const choose = (group, name) => page.getByRole("radiogroup", { name: group }).getByText(name).click();
  const showsAll = async (query) => {
    const periods = await api("GET", `/api/chat/stats/trends?${query}`, undefined, token);
    await expect.count(trends.getByRole("row"), periods.length + 1);
  };
  await showsAll("days=7&granularity=day");
  await choose("Period", "30 days");
  await showsAll("days=30&granularity=day");
  await choose("Period", "Today");
  await showsAll("days=1&granularity=hour");
  await choose("Period", "7 days");
  await choose("Step", "By hour");
  await showsAll("days=7&granularity=hour");

  const departments = panel(page, "Departments");
  await departments.getByRole("rowheader", { name: "心血管内科" }).waitFor();
  const people = panel(page, "People");
  await people.getByRole("combobox", { name: "Sort by" }).selectOption("unread");
  const [most] = await api("GET", "/api/chat/stats/users?days=7&sort=unread&limit=1", undefined, token);
  await people.getByRole("row").nth(1).filter({ hasText: most.username }).waitFor();
  await people.getByRole("button", { name: "Next page" }).click();
  await people.getByText("Page 2 of").waitFor();
  await panel(page, "Health of the service").getByText("Answering").waitFor();

  const table = await downloaded(page, "Departments");
  assert.equal(table.name, "wardline-departments-7d.csv");
  const [head, ...lines] = table.text.replace(/^\uFEFF/, "").trim().split(/\r?\n/);
  assert.ok(head.startsWith("Department,"), head);
  assert.ok(head.includes("Median response (s)"), head);
  assert.ok(lines.some((text) => text.startsWith("心血管内科 Cardiology,")), table.text);
  assert.match((await downloaded(page, "Messages and active people")).text, /^\uFEFF?Time,Messages,/);
  assert.match((await downloaded(page, "Right now")).text, /Online/);
  calm();
  await context.close();
});

test("an account is made, changed, given another password, sent away and let in again", async () => {
  const { page, context, calm, url } = await atDesk();
  await page.getByRole("link", { name: "People" }).click();
  await page.getByText(/^\d+ accounts$/).waitFor();
  const search = page.getByRole("searchbox", { name: "Name, department or title" });
  const person = (name) => page.getByRole("row").filter({ hasText: name });

  await page.getByRole("button", { name: "New account" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel(/^Username/).fill("nurse.li");
  await dialog.getByRole("button", { name: "Generate password" }).click();
  const password = await dialog.getByLabel(/^Password/).inputValue();
  assert.match(password, /^([a-z2-9]{4}-){3}[a-z2-9]{4}$/);
  await dialog.getByLabel(/^Name/).fill("Ada Novak");
  await dialog.getByLabel("Role").selectOption("nurse");
  await dialog.getByLabel("Department").fill("急诊科");
  await dialog.getByRole("button", { name: "Create account" }).click();
  await dialog.getByText("This username is taken.").waitFor();
  await dialog.getByLabel(/^Username/).fill("nurse.novak");
  await dialog.getByLabel("Email").fill("nowhere");
  await dialog.getByRole("button", { name: "Create account" }).click();
  await dialog.getByText("This is not an email address.").waitFor();
  await dialog.getByLabel("Email").fill("ada@ward.example");
  await dialog.getByRole("button", { name: "Create account" }).click();
  // The password is shown once, to be handed over, until it is closed by hand.
  await page.getByText("The account of Ada Novak was created.").waitFor();
  assert.equal(await dialog.getByTestId("handed-password").innerText(), password);
  await page.keyboard.press("Escape");
  await dialog.getByRole("button", { name: "Copy password" }).click();
  await dialog.getByText("Copied").waitFor();
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), password);
  await dialog.getByRole("button", { name: "Close" }).click();
  const { user } = await login("nurse.novak", password);
  assert.deepEqual([user.realName, user.role, user.department], ["Ada Novak", "nurse", "急诊科"]);

  await search.fill("novak");
  await page.getByText("2 accounts").waitFor();
  const act = async (action) => {
    await page.getByRole("button", { name: "Actions for Ada Novak" }).click();
    await page.getByRole("menuitem", { name: action, exact: true }).click();
  };
  await act("Edit");
  await dialog.getByRole("button", { name: "Save changes" }).isDisabled();
  await dialog.getByLabel("Role").selectOption("doctor");
  await dialog.getByLabel("Department").fill("重症医学科");
  await dialog.getByRole("button", { name: "Save changes" }).click();
  await page.getByText("The account of Ada Novak was changed.").waitFor();
  await person("Ada Novak").filter({ hasText: "Doctor" }).filter({ hasText: "重症医学科" }).waitFor();

  // She is at work when her password is reset: signed out at once, and in again with the new one.
  const ada = await device({ url });
  await signIn(ada.page, "nurse.novak", password);
  await live(ada.page);
  await act("Reset password");
  await dialog.getByLabel(/^Password/).fill("short");
  await dialog.getByRole("button", { name: "Reset password" }).click();
  await dialog.getByText("This password is too short or too common").waitFor();
  await dialog.getByLabel(/^Password/).fill("a new one for Ada");
  await dialog.getByRole("button", { name: "Reset password" }).click();
  await page.getByText("was signed out everywhere").waitFor();
  assert.equal(await dialog.getByTestId("handed-password").innerText(), "a new one for Ada");
  await dialog.getByRole("button", { name: "Close" }).click();
  await ada.page.getByText(/You have been signed out|Your session has ended/).waitFor();
  await signIn(ada.page, "nurse.novak", password);
  await ada.page.getByText("Username and password do not match.").waitFor();
  await signIn(ada.page, "nurse.novak", "a new one for Ada");
  // Somebody else knows this one: nothing is shown before she has chosen her own.
  await ada.page.getByRole("heading", { name: "Choose a new password" }).waitFor();
  await ada.page.getByLabel(/^Current password$/).fill("a new one for Ada");
  await ada.page.getByLabel(/^New password$/).fill("one of her own");
  await ada.page.getByLabel(/^New password again$/).fill("one of her own");
  await ada.page.getByRole("button", { name: "Change password" }).click();
  await live(ada.page);
  // Her attempt with the old password failed: she is told, and it goes when she has read it.
  const failed = ada.page.getByRole("region", { name: "Failed sign-ins" });
  await failed.getByText(/^1 failed sign-in to your account since /).waitFor();
  await failed.getByRole("button", { name: "Close" }).click();
  await expect.count(failed, 0);

  await act("Deactivate");
  await page.getByRole("dialog", { name: "Deactivate Ada Novak?" }).getByRole("button", { name: "Deactivate" }).click();
  await page.getByText("Ada Novak was deactivated").waitFor();
  await ada.page.getByLabel("Username").waitFor();
  await expect.count(person("Ada Novak"), 0);
  await page.getByRole("combobox", { name: "State" }).selectOption("false");
  await person("Ada Novak").filter({ hasText: "Deactivated" }).waitFor();
  await act("Activate");
  await page.getByText("Ada Novak may sign in again.").waitFor();
  await login("nurse.novak", "one of her own");

  await search.fill("");
  await page.getByRole("combobox", { name: "State" }).selectOption("true");
  await page.getByRole("combobox", { name: "Role" }).selectOption("admin");
  await page.getByText("2 accounts").waitFor();
  await page.getByRole("button", { name: "Actions for 周敏" }).click();
  assert.ok(await page.getByRole("menuitem", { name: "Deactivate" }).isDisabled(), "nobody locks themselves out");
  calm();
  ada.calm();
  await ada.context.close();
  await context.close();
});

test("the audit log says in plain words who did what, and nothing of it is cut", async () => {
  for (const [language, viewport, words] of [
    ["en", WIDE, { title: "Audit log", inactive: "Looked at deactivated accounts", changed: "Doctor → Nurse", by: "Done by" }],
    ["zh", PHONE, { title: "审计日志", inactive: "查看已停用的账号", changed: "医生 → 护士", by: "操作人" }],
    ["en", PHONE, { title: "Audit log", inactive: "Looked at deactivated accounts", changed: "Doctor → Nurse", by: "Done by" }],
  ]) {
    const admin = await login("admin");
    const stamp = Date.now().toString(36);
    const vera = `Vera Audit ${stamp}`;
    const body = { username: `audited.${stamp}`, realName: vera, role: "doctor", password: "long enough a word" };
    const made = await api("POST", "/api/chat/users", body, admin.token);
    await api("PATCH", `/api/chat/users/${made._id}`, { role: "nurse" }, admin.token);
    await api("GET", "/api/chat/users?active=false", undefined, admin.token);
    const { page, context, calm } = await device({ language, viewport, url: new URL("#/admin/audit", service).href });
    await signIn(page, "admin");
    await page.getByRole("heading", { level: 1, name: words.title }).waitFor();
    await page.getByRole("link", { name: words.title, exact: true }).waitFor();
    const table = page.getByRole("table");
    await table.getByRole("row").filter({ hasText: words.inactive }).filter({ hasText: "周敏" }).first().waitFor();
    await table.getByRole("row").filter({ hasText: vera }).getByText(words.changed).first().waitFor();
    const text = await table.innerText();
    for (const raw of ["users.inactive", "stats.people", "outcome", "gateway", "chat", "done"])
      assert.ok(!text.includes(raw), `«${raw}» is a word of the protocol`);
    const cut = await page.$$eval("nav a, form button, form button span", (all) => all.filter((one) => one.textContent && one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent));
    assert.deepEqual(cut, [], `cut in ${language} at ${viewport.width}`);
    const heights = await page.$$eval("nav a", (all) => all.map((one) => one.getBoundingClientRect().height));
    assert.ok(Math.max(...heights) < 44, `the pages' names stand in one line: ${heights}`);
    // Somebody chosen as a filter is named, though no act is theirs.
    await page.getByRole("searchbox", { name: words.by }).fill(vera);
    await page.getByRole("list", { name: words.by }).getByRole("button").first().click();
    await page.getByRole("button", { name: new RegExp(vera) }).waitFor();
    await wellMade(page, `audit log, ${language}, ${viewport.width}`);
    calm();
    await context.close();
  }
});

test("the administrators' pages are for administrators", async () => {
  const { page, context, calm, url } = await device();
  await signIn(page, "nurse.wu");
  await live(page);
  await expect.count(page.getByRole("link", { name: "Administration" }), 0);
  await page.goto(`${url}#/admin/users`);
  await live(page);
  await until("sent to the chat", async () => new URL(page.url()).hash === "#/");
  calm();
  await context.close();
});

test("when the service does not answer, the page says so and tries again", async () => {
  const { page, context } = await atDesk();
  await tile(page, "People online").waitFor();
  await context.route(/\/api\/chat\/stats\/departments/, (route) => route.abort());
  await page.getByRole("radiogroup", { name: "Period" }).getByText("90 days").click();
  await page.reload();
  const departments = panel(page, "Departments");
  await departments.getByText("This could not be loaded").waitFor();
  await departments.getByText("The service cannot be reached.").waitFor();
  await context.unroute(/\/api\/chat\/stats\/departments/);
  await departments.getByRole("button", { name: "Try again" }).click();
  await departments.getByRole("row").nth(1).waitFor();
  await context.close();
});
