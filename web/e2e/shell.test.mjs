// The page around the conversations: parts that cannot be loaded, no network at all, a prefix, plain http, a station that is
// nobody's own.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { device, expect, line, service, signIn, until } from "./support.mjs";
import { composer, connection, live, say } from "./ward.mjs";

const first = (page) => page.getByRole("button").filter({ hasText: "马丽" }).first();

test("a part that cannot be loaded says so, leaves the rest alone, and comes when it can", async () => {
  const one = await device({ serviceWorkers: "block" });
  const { page, context } = one;
  // A device that saves data fetches nothing ahead: each part comes when it is asked for, and only then.
  await context.addInitScript(() => Object.defineProperty(Navigator.prototype, "connection", { value: { saveData: true } }));
  let blocked = true;
  await context.route(/assets\/(SettingsDialog|SearchPanel|DirectoryPane|EmojiPicker|DetailsPane|NewGroup)[^/]*\.js/, (route) =>
    blocked ? route.abort() : route.continue(),
  );
  await page.reload();
  await signIn(page, "nurse.xu");
  await live(page);
  await first(page).click();
  await composer(page).fill("Kept whatever breaks");
  const failed = page.getByText("This part cannot be loaded now.");
  for (const [name, close] of [["Settings", "dialog"], ["New group", "dialog"], ["Search messages", "pane"], ["Insert an emoji", ""], ["Details of the conversation", "pane"], ["Directory", ""]]) {
    await page.getByRole("button", { name, exact: true }).click();
    await expect.seen(failed);
    assert.equal(await composer(page).inputValue(), "Kept whatever breaks", name);
    if (close === "dialog") await page.keyboard.press("Escape");
    else if (close === "pane") await page.getByRole("button", { name: "Close" }).last().click();
    else await page.getByRole("button", { name, exact: true }).click();
    if (name === "Directory") await page.getByRole("button", { name: /^Chats/ }).click();
    await expect.count(failed, 0);
  }
  await page.getByRole("button", { name: "Settings" }).click();
  await expect.seen(failed);
  blocked = false;
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  one.calm();
  await context.close();
});

test("without a network a reload opens the client, its parts, and what was written", async () => {
  const wire = await line();
  const one = await device({ url: wire.url });
  const { page } = one;
  await signIn(page, "nurse.xu");
  await live(page);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  await until("the shell is kept", () => page.evaluate(async () => (await caches.keys()).length > 0 && Boolean(navigator.serviceWorker.controller)));
  wire.cut();
  await expect.state(connection(page), "offline");
  await page.reload();
  await page.getByTestId("connection").waitFor();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("heading", { name: "Settings" }).waitFor();
  wire.mend();
  await live(page);
  one.calm();
  await one.context.close();
});

/** A proxy that shows the service below a prefix, which it strips. */
async function below(prefix) {
  const asked = [];
  const strip = (url) => (url.startsWith(prefix) ? url.slice(prefix.length - 1) : null);
  const server = createServer((near, answer) => {
    asked.push(near.url);
    const path = strip(near.url);
    if (path === null) return answer.writeHead(404).end();
    const far = request({ host: service.hostname, port: service.port, path, method: near.method, headers: near.headers }, (found) => {
      answer.writeHead(found.statusCode, found.headers);
      found.pipe(answer);
    });
    far.on("error", () => answer.destroy());
    near.pipe(far);
  });
  server.on("upgrade", (near, socket, head) => {
    asked.push(near.url);
    const path = strip(near.url);
    if (path === null) return socket.destroy();
    const far = connect(Number(service.port), service.hostname, () => {
      far.write(`GET ${path} HTTP/1.1\r\n${Object.entries(near.headers).map(([name, value]) => `${name}: ${value}`).join("\r\n")}\r\n\r\n`);
      far.write(head);
      far.pipe(socket).pipe(far);
    });
    for (const end of [far, socket]) end.on("error", () => (far.destroy(), socket.destroy()));
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  return { url: `http://127.0.0.1:${server.address().port}${prefix}`, asked, close: () => (server.closeAllConnections(), server.close()) };
}

test("below a path everything stays below it", async () => {
  const proxy = await below("/house/chat/");
  const one = await device({ url: proxy.url });
  const { page } = one;
  await signIn(page, "nurse.xu");
  await live(page);
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  const manifest = await page.evaluate(async () => {
    const address = document.querySelector("link[rel=manifest]").href;
    const found = await (await fetch(address)).json();
    const icons = await Promise.all(found.icons.map(async (icon) => (await fetch(new URL(icon.src, address))).headers.get("content-type")));
    return { start: new URL(found.start_url, address).href, icons, sizes: found.icons.map((icon) => `${icon.sizes} ${icon.purpose ?? ""}`.trim()) };
  });
  assert.equal(manifest.start, proxy.url);
  assert.deepEqual(manifest.icons, ["image/png", "image/png", "image/png"]);
  assert.deepEqual(manifest.sizes, ["192x192", "512x512", "512x512 maskable"]);
  assert.deepEqual(proxy.asked.filter((url) => !url.startsWith("/house/chat/") && url !== "/favicon.ico"), []);
  one.calm();
  await one.context.close();
  proxy.close();
});

test("over plain http one writes all the same, and is told what needs https", async () => {
  const one = await device();
  const { page, context } = one;
  // What an insecure page lacks, taken away: the browsers here reach the service by loopback only.
  await context.addInitScript(() => {
    Object.defineProperty(window, "isSecureContext", { value: false });
    for (const name of ["serviceWorker", "clipboard", "mediaDevices", "locks", "storage", "wakeLock", "share"]) {
      Object.defineProperty(Navigator.prototype, name, { configurable: true, get: () => undefined });
    }
    Object.defineProperty(Crypto.prototype, "subtle", { get: () => undefined });
    Object.defineProperty(Crypto.prototype, "randomUUID", { value: undefined });
    delete window.Notification;
    delete window.caches;
  });
  await page.reload();
  await signIn(page, "nurse.xu");
  await live(page);
  await first(page).click();
  await say(page, "Written without https");
  await page.locator("[data-bubble]").filter({ hasText: "Written without https" }).first().waitFor();
  await composer(page).fill("Half a thought over http");
  await page.reload();
  await until("the tab keeps it", async () => (await composer(page).inputValue()) === "Half a thought over http");
  assert.equal(await page.evaluate(() => JSON.stringify(localStorage).includes("Half a thought")), false);
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByText("Voice and notifications need https").waitFor();
  one.calm();
  await context.close();
});

test("a station that nobody calls their own closes by itself and leaves nothing to read", async () => {
  const one = await device();
  const { page } = one;
  await page.route("**/api/auth/login", async (route) => {
    const answer = await route.fetch();
    const body = await answer.json();
    body.data.settings = { ...body.data.settings, autoLogoff: 120 };
    await route.fulfill({ response: answer, json: body });
  });
  await signIn(page, "nurse.xu");
  await live(page);
  await page.clock.install();
  await first(page).click();
  await composer(page).fill("A secret of bed nine");
  await page.clock.runFor(1_000);
  const token = await page.evaluate(() => JSON.parse(localStorage.getItem("wardline.account")).token);
  await page.clock.runFor(60_000);
  await page.mouse.move(200 + Math.random() * 100, 200);
  await page.clock.runFor(90_000);
  await composer(page).waitFor();
  await page.clock.runFor(125_000);
  await page.getByLabel("Username").waitFor();
  await page.getByText("Nobody used this station for a while").waitFor();
  assert.equal(await page.title(), "Wardline");
  const left = await page.evaluate(async () => {
    const rows = [];
    for (const { name } of await indexedDB.databases()) {
      const base = await new Promise((done) => {
        const asked = indexedDB.open(name);
        asked.onsuccess = () => done(asked.result);
      });
      for (const store of base.objectStoreNames) {
        const all = await new Promise((done) => {
          const asked = base.transaction(store).objectStore(store).getAll();
          asked.onsuccess = () => done(asked.result);
        });
        const plain = (value) =>
          value instanceof ArrayBuffer ? new TextDecoder().decode(value) : ArrayBuffer.isView(value) ? new TextDecoder().decode(value) : value && typeof value === "object" ? Object.values(value).map(plain).join(" ") : String(value);
        rows.push(...all.map(plain));
      }
      base.close();
    }
    return { rows, places: JSON.stringify([{ ...localStorage }, { ...sessionStorage }]), screen: document.body.innerText };
  });
  assert.ok(left.rows.length > 0, "the draft waits for its author");
  for (const [where, text] of Object.entries({ ...left, rows: left.rows.join(" ") })) {
    assert.ok(!/secret of bed nine|storageKey/.test(text), `${where}: ${text.slice(0, 200)}`);
    assert.ok(!text.includes(token), where);
  }
  const answer = await fetch(new URL("/api/auth/me", service), { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 401, "the token ended, too");
  await signIn(page, "nurse.xu");
  await page.clock.runFor(2_000);
  await until("its author reads it", async () => (await page.clock.runFor(500), (await composer(page).inputValue()) === "A secret of bed nine"));
  one.calm();
  await one.context.close();
});
