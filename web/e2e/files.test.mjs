// Files, pictures and voice, and finding what was said.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import { api, device, expect, history, login, picture, signIn, until, wellMade } from "./support.mjs";
import { act, bubble, live, open, say, thread } from "./ward.mjs";

const [LI, CHEN] = ["李娜", "陈立伟"]; // nurse.li, dr.chen

/** A picture such as a monitor shows: a green line on black. */
function png(width, height) {
  const chunk = (type, data) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(data.length);
    sum.writeUInt32BE(crc32(body));
    return Buffer.concat([length, body, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const rows = Buffer.alloc(height * (1 + 3 * width));
  for (let x = 0; x < width; x++) {
    const at = (place) => (place % 160 > 140 ? Math.sin(((place % 160) - 140) / 3) * height * 0.3 : Math.sin(place / 25) * 4);
    const [one, other] = [height / 2 - at(x), height / 2 - at(Math.max(0, x - 1))].map(Math.round);
    for (let y = Math.min(one, other) - 2; y <= Math.max(one, other) + 2; y++) {
      rows.set([60, 230, 120], y * (1 + 3 * width) + 1 + 3 * x);
    }
  }
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", head), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

async function together() {
  const [li, chen] = [await device(), await device()];
  for (const [one, name, other] of [[li, "nurse.li", CHEN], [chen, "dr.chen", LI]]) {
    await signIn(one.page, name);
    await live(one.page);
    await open(one.page, other);
  }
  return { li, chen };
}

async function home(...devices) {
  for (const one of devices) {
    one.calm();
    await one.context.close();
  }
}

test("a picture and a document arrive, and what was removed is not sent", async () => {
  const { li, chen } = await together();
  const choose = li.page.getByTestId("file-input");
  const send = li.page.getByRole("button", { name: "Send", exact: true });
  await choose.setInputFiles([
    { name: "rhythm.png", mimeType: "image/png", buffer: png(640, 240) },
    { name: "not-this.txt", mimeType: "text/plain", buffer: Buffer.from("A slip of the mouse.") },
  ]);
  await expect.count(li.page.getByTestId("attachment"), 2);
  await li.page.getByRole("button", { name: "Remove not-this.txt" }).click();
  await until("it is uploaded", () => send.isEnabled());
  await send.click();
  const shown = thread(chen.page).getByRole("img", { name: "rhythm.png" });
  await shown.waitFor();
  await until("the picture is there", () => shown.evaluate((image) => image.complete && image.naturalWidth > 0));
  await chen.page.getByRole("button", { name: "Open rhythm.png" }).click();
  const viewer = chen.page.getByRole("dialog").getByRole("img", { name: "rhythm.png" });
  await viewer.waitFor();
  await until("the whole picture is there", () => viewer.evaluate((image) => image.naturalWidth === 640));
  await wellMade(chen.page, "image viewer");
  await chen.page.keyboard.press("Escape");
  await expect.gone(chen.page.getByRole("dialog"));

  // The service is busy: the file says so, and goes up by itself.
  let refusals = 1;
  await li.page.route("**/api/chat/files", async (route) => {
    if (route.request().method() !== "POST" || refusals-- <= 0) return route.fallback();
    const body = { success: false, code: "RATE_LIMITED", message: "Too many", error: "x", details: { retryAfter: 3 } };
    return route.fulfill({ status: 429, headers: { "retry-after": "3" }, json: body });
  });
  const text = "Befund: unauffällig. 未见异常。\n";
  await choose.setInputFiles({ name: "report 报告.txt", mimeType: "text/plain", buffer: Buffer.from(text) });
  await li.page.getByTestId("attachment").getByText(/Busy, trying again in [123] s/).waitFor();
  await until("it is uploaded", () => send.isEnabled());
  await send.click();
  await expect.seen(bubble(chen.page, "report 报告.txt"));
  const coming = chen.page.waitForEvent("download");
  await bubble(chen.page, "report 报告.txt").getByRole("button", { name: "report 报告.txt" }).click();
  const download = await coming;
  assert.equal(download.suggestedFilename(), "report 报告.txt");
  assert.equal(readFileSync(await download.path(), "utf8"), text);
  await expect.count(thread(chen.page).getByText("not-this.txt"), 0);

  // A picture in a record that was forwarded opens as any other; closing it leaves the record.
  const { token } = await login("nurse.li");
  const sessionId = new URL(li.page.url()).hash.split("/").at(-1);
  const messageIds = (await history(sessionId, token)).slice(-2).map((one) => one._id);
  await api("POST", "/api/chat/messages/forward", { messageIds, toSessionIds: [sessionId], mode: "merged" }, token);
  await bubble(chen.page, "Chat record, 2 messages").last().getByRole("button", { name: /Chat record/ }).click();
  const record = chen.page.getByRole("dialog", { name: "Chat record, 2 messages" });
  await record.getByText("as they were when they were forwarded").waitFor();
  await record.getByRole("button", { name: "Open rhythm.png" }).click();
  const large = chen.page.getByRole("dialog").last().getByRole("img", { name: "rhythm.png" });
  await until("the whole picture of the record is there", () => large.evaluate((image) => image.naturalWidth === 640));
  await chen.page.keyboard.press("Escape");
  await expect.count(chen.page.getByRole("dialog"), 1);
  await expect.seen(record);
  await chen.page.keyboard.press("Escape");
  await expect.gone(chen.page.getByRole("dialog"));
  await picture(li.page, "files-wide");
  await wellMade(li.page, "a conversation with files");
  await home(li, chen);
});

test("a voice message is recorded, sent and heard", async () => {
  const { li, chen } = await together();
  await li.page.getByRole("button", { name: "Record a voice message" }).click();
  await li.page.getByText("Recording").waitFor();
  await li.page.waitForTimeout(2_200);
  await li.page.getByRole("button", { name: "Finish recording" }).click();
  const send = li.page.getByRole("button", { name: "Send", exact: true });
  await until("it is uploaded", () => send.isEnabled());
  await send.click();
  const play = thread(chen.page).getByRole("button", { name: "Play" }).last();
  await play.waitFor();
  await play.click();
  await thread(chen.page).getByRole("button", { name: "Pause" }).waitFor();
  const place = thread(chen.page).getByRole("slider", { name: "Position" }).last();
  await until("it is heard", async () => Number(await place.inputValue()) > 0);
  await home(li, chen);
});

test("what was said is found and shown in its place, and not once it was taken back", async () => {
  const { li, chen } = await together();
  const word = `ceftriaxone${Date.now()}`;
  await say(li.page, `Please start ${word} at eight.`);
  await expect.seen(bubble(chen.page, word));
  const panel = chen.page.getByRole("complementary", { name: "Search messages" });
  const field = panel.getByRole("searchbox", { name: "Search words" });
  const find = async (words) => {
    // Typed anew until the index has it: it may lag a second behind.
    await until(`a hit for ${words}`, async () => {
      await field.fill("");
      await field.fill(words);
      return panel.locator("mark").filter({ hasText: words }).first().waitFor({ timeout: 1_500 }).then(() => true, () => false);
    });
  };
  await chen.page.getByRole("button", { name: "Search messages" }).click();
  await find(word);
  await find("心电图");
  await panel.getByRole("listitem").first().getByRole("button").click();
  await chen.page.locator("[data-row][data-marked=true]").filter({ hasText: "心电图" }).waitFor();
  await picture(chen.page, "search-hit-wide");
  await wellMade(chen.page, "search");

  // One digit too many is told at the field, and takes nothing with it.
  await panel.locator("input[type=date]").first().focus();
  await chen.page.keyboard.type("111120266");
  await panel.getByRole("alert").getByText("Years have four digits").waitFor();
  await expect.seen(thread(chen.page));
  await panel.locator("input[type=date]").first().fill("");
  await expect.count(panel.getByRole("alert"), 0);
  // The service is busy: the line at the top says so, and the search goes on by itself.
  let refusals = 1;
  await chen.page.route("**/api/chat/messages/search**", (route) => {
    if (refusals-- <= 0) return route.fallback();
    const body = { success: false, code: "RATE_LIMITED", message: "Too many", error: "x", details: { retryAfter: 3 } };
    return route.fulfill({ status: 429, headers: { "retry-after": "3" }, json: body });
  });
  await field.fill(word);
  await chen.page.getByTestId("busy").getByText(/Busy, trying again in [123] s/).waitFor();
  await panel.locator("mark").filter({ hasText: word }).first().waitFor();

  await act(li.page, word, "Unsend");
  await panel.getByRole("listitem").getByText("This message was deleted").waitFor();
  await expect.count(panel.locator("mark"), 0);
  await until("it is found no longer", async () => {
    await field.fill("");
    await expect.count(panel.getByRole("listitem"), 0);
    await field.fill(word);
    return panel.getByText("No message contains").waitFor({ timeout: 1_500 }).then(() => true, () => false);
  });
  await home(li, chen);
});

/** A film of half a second, as a browser records it. */
const film = (page) =>
  page.evaluate(async () => {
    const canvas = Object.assign(document.createElement("canvas"), { width: 160, height: 90 });
    const pen = canvas.getContext("2d");
    const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm;codecs=vp8" });
    const pieces = [];
    recorder.ondataavailable = ({ data }) => pieces.push(data);
    recorder.start();
    for (let frame = 0; frame < 10; frame++) {
      pen.fillStyle = `hsl(${frame * 36} 80% 50%)`;
      pen.fillRect(0, 0, 160, 90);
      await new Promise((resume) => setTimeout(resume, 50));
    }
    await new Promise((stopped) => {
      recorder.onstop = stopped;
      recorder.stop();
    });
    return [...new Uint8Array(await new Blob(pieces).arrayBuffer())];
  });

test("a film is played where it stands, and one that cannot be played is there to download", async () => {
  const { li, chen } = await together();
  await li.page.getByTestId("file-input").setInputFiles([
    { name: "gait.webm", mimeType: "video/webm", buffer: Buffer.from(await film(li.page)) },
    { name: "no film.mp4", mimeType: "video/mp4", buffer: Buffer.from("These are only letters.") },
  ]);
  await li.page.getByRole("button", { name: "Send", exact: true }).click();
  const player = thread(chen.page).getByLabel("gait.webm", { exact: true });
  await player.waitFor();
  await until("the film has a size", () => player.evaluate((video) => video.videoWidth === 160));
  await player.evaluate((video) => ((video.muted = true), video.play()));
  await until("it moves on", () => player.evaluate((video) => video.currentTime > 0.1));
  await thread(chen.page).getByRole("button").filter({ hasText: "gait.webm" }).waitFor();
  await thread(chen.page).getByRole("button").filter({ hasText: "no film.mp4" }).waitFor();
  await expect.count(thread(chen.page).getByLabel("no film.mp4", { exact: true }), 0);
  await home(li, chen);
});
