// What the browser tests share: the browser, people at their devices, the line between a device and the service, pictures
// and the accessibility check. The service runs already (scripts/test-browser); its address is in WARDLINE_URL.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { connect, createServer } from "node:net";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";
import { chromium } from "playwright-core";

export const service = new URL(process.env.WARDLINE_URL ?? fail("WARDLINE_URL must be the address of a running Wardline"));
export const PASSWORD = "wardline-demo";
const PICTURES = process.env.WARDLINE_PICTURES ?? "/tmp/wardline-pictures";
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Milliseconds a wait may last. */
export const WAIT = 15_000;
export const WIDE = { width: 1440, height: 900 };
export const PHONE = { width: 360, height: 740 };

function fail(message) {
  throw new Error(message);
}

// ---- The browser -----------------------------------------------------------------------------------------------------

let browser;

async function launched() {
  browser ??= await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      // A microphone that hums and a question that is answered with yes: for voice messages.
      "--use-fake-device-for-media-stream",
      "--use-fake-ui-for-media-stream",
    ],
  });
  return browser;
}

const closing = [];

after(async () => {
  for (const close of closing.splice(0).reverse()) await close().catch(() => {});
  await browser?.close();
});

/**
 * A device: a browser context of its own with one page. What its page complains of (uncaught errors, refusals by its
 * policy) is kept and must be none when `calm` is called.
 */
export async function device({ url = service.href, viewport = WIDE, language = "en", dark = false, ...options } = {}) {
  const context = await (await launched()).newContext({
    viewport,
    locale: language === "zh" ? "zh-CN" : "en-GB",
    timezoneId: "Asia/Shanghai",
    colorScheme: dark ? "dark" : "light",
    reducedMotion: "reduce",
    permissions: ["microphone", "clipboard-read", "clipboard-write"],
    hasTouch: viewport.width < 500,
    ...options,
  });
  closing.push(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(WAIT);
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`uncaught: ${error.stack ?? error.message}`));
  page.on("console", (message) => {
    const text = message.text();
    if (/Content Security Policy/i.test(text)) complaints.push(text);
  });
  await page.goto(url);
  const calm = () => assert.deepEqual(complaints, [], "the page complained");
  return { context, page, calm, url };
}

/** Signs in on a device's page, as a person would. */
export async function signIn(page, username, password = PASSWORD) {
  await page.getByLabel(/^(Username|用户名)$/).fill(username);
  await page.getByLabel(/^(Password|密码)$/).fill(password);
  await page.getByRole("button", { name: /^(Sign in|登录)$/ }).click();
}

// ---- The line --------------------------------------------------------------------------------------------------------

/** A line between a device and the service that can be cut, or made to swallow what the service says. */
export async function line() {
  const sockets = new Set();
  let cut = false;
  let deaf = false;
  let pagesOnly = false;
  const server = createServer((near) => {
    if (cut) {
      near.destroy();
      return;
    }
    const far = connect(Number(service.port), service.hostname);
    near.on("data", (data) => {
      // Chromium may begin a WebSocket on a connection that brought something else before.
      if (pagesOnly && data.includes("GET /socket.io/")) near.destroy();
      else far.write(data);
    });
    far.on("data", (data) => deaf || near.write(data));
    for (const [one, other] of [[near, far], [far, near]]) {
      sockets.add(one);
      one.setNoDelay(true);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  closing.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    /** Every connection breaks, new ones are refused. */
    cut() {
      cut = true;
      for (const socket of sockets) socket.destroy();
    },
    /** What the device says arrives; what the service says does not. */
    deafen() {
      deaf = true;
    },
    /** Pages and calls go through, live connections do not. */
    letPagesThrough() {
      cut = deaf = false;
      pagesOnly = true;
    },
    mend() {
      cut = deaf = pagesOnly = false;
    },
  };
}

// ---- REST, for what the tests need to know ---------------------------------------------------------------------------

export async function api(method, path, body, token) {
  const response = await fetch(new URL(path, service), {
    method,
    headers: {
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...(token ? { authorization: `Bearer ${token}` } : {}),
    },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: AbortSignal.timeout(WAIT),
  });
  const envelope = await response.json();
  assert.ok(response.ok, `${method} ${path}: ${response.status} ${JSON.stringify(envelope).slice(0, 300)}`);
  return envelope.data;
}

export const login = (username, password = PASSWORD) => api("POST", "/api/auth/login", { username, password });

/** Every message of a session, oldest first. */
export async function history(sessionId, token) {
  const all = [];
  for (;;) {
    const page = await api("GET", `/api/chat/messages/${sessionId}?afterSeq=${all.at(-1)?.seq ?? 0}&limit=100`, undefined, token);
    if (page.length === 0) return all;
    all.push(...page);
  }
}

export async function until(what, condition, timeout = WAIT) {
  const end = Date.now() + timeout;
  for (;;) {
    const value = await condition();
    if (value) return value;
    assert.ok(Date.now() < end, `not within ${timeout} ms: ${what}`);
    await new Promise((resume) => setTimeout(resume, 50));
  }
}

/** Waits until the history entry of a closed layer is left, which takes a moment: a reload or a step back before that is lost. */
export const settled = (page) => until("no entry of a layer", () => page.evaluate(() => history.state?.layer === undefined));

/** Waits for what locators show. */
export const expect = {
  state: (locator, state, timeout = WAIT) =>
    until(`state ${state}`, async () => (await locator.getAttribute("data-state").catch(() => "")) === state, timeout),
  count: (locator, count, timeout = WAIT) => until(`${count} × ${locator}`, async () => (await locator.count()) === count, timeout),
  gone: (locator) => locator.first().waitFor({ state: "detached" }),
  seen: (locator) => locator.first().waitFor({ state: "visible" }),
};

// ---- What is on the screen -------------------------------------------------------------------------------------------

/** A picture of the page, for the README and for whoever wants to look. */
export async function picture(page, name) {
  mkdirSync(PICTURES, { recursive: true });
  await page.screenshot({ path: join(PICTURES, `${name}.png`) });
}

/** Asserts that axe finds nothing serious or critical, and that nothing makes the page scroll sideways, once the page has come to rest. */
export async function wellMade(page, where, { contrast = false } = {}) {
  // Evaluated by the debugger, past the page's policy, which lets no foreign script in.
  await page.evaluate(`${AXE};0`);
  const end = Date.now() + WAIT;
  for (;;) {
    const faults = await visibleFaults(page, contrast);
    if (faults.length === 0) return;
    // What is still on its way or fading is measured against the wrong background: only what lasts is a fault.
    if (Date.now() > end) assert.deepEqual(faults, [], `${where} is not well made`);
    await new Promise((resume) => setTimeout(resume, 500));
  }
}

async function visibleFaults(page, enhanced) {
  await expect.gone(page.locator(".mantine-Loader-root"));
  const { found, passed, over } = await page.evaluate(async (enhanced) => {
    const rules = enhanced ? { "color-contrast-enhanced": { enabled: true } } : {};
    const { violations, passes } = await globalThis.axe.run(document, { resultTypes: ["violations"], rules });
    const about = (node) => `${node.target.join(" ")} | ${node.failureSummary?.split("\n").slice(1, 3).join(" ")}`;
    const found = violations.map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.slice(0, 5).map(about) }));
    const over = document.documentElement.scrollWidth - document.documentElement.clientWidth;
    return { found, passed: passes.length, over };
  }, enhanced);
  const faults = found.filter(({ impact }) => impact === "serious" || impact === "critical");
  if (passed <= 5) faults.push("axe had nothing to look at");
  if (over > 0) faults.push(`it is ${over} pixels too wide`);
  return faults;
}
