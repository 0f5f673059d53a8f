// Devices whose clocks are wrong, in either direction: what has a lifetime lives by the service's clock.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { fileLink, forgetLinks } from "../src/app/files";
import { type Kept, seemsExpired } from "../src/app/kept-account";
import { Api } from "../src/core/api";
import { learnServiceTime, serviceClock } from "../src/core/clock";
import type { Message } from "../src/core/wire";
import { recallable } from "../src/ui/message/recall";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const WRONG: [string, number][] = [
  ["right", 0],
  ["3 minutes slow", -3 * MINUTE],
  ["3 minutes fast", 3 * MINUTE],
  ["7 hours slow", -7 * HOUR],
  ["7 hours fast", 7 * HOUR],
  ["40 days slow", -40 * 24 * HOUR],
  ["40 days fast", 40 * 24 * HOUR],
];

/** What time it is, wherever a device thinks it is. */
const START = Date.parse("2026-03-05T07:10:00.000Z");
const LINK_LIVES = 5 * MINUTE;

/** A device that is wrong by so much, and the service as it knows it by its answers. */
function wrongBy(offset: number) {
  vi.setSystemTime(START + offset);
  const truly = () => Date.now() - offset;
  const asked: string[] = [];
  let busy = 0;
  const api = new Api({
    fetch: async (address) => {
      asked.push(String(address));
      const headers = { date: new Date(truly()).toUTCString() };
      if (busy > 0) {
        const details = { retryAfter: busy };
        busy = 0;
        return Response.json({ success: false, code: "RATE_LIMITED", message: "busy", details }, { status: 429, headers });
      }
      const data = { url: `/signed/${asked.length}`, expiresAt: new Date(truly() + LINK_LIVES).toISOString() };
      return Response.json({ success: true, data }, { headers });
    },
  });
  return { api, asked, truly, beBusy: (seconds: number) => (busy = seconds) };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"] });
});
afterEach(() => {
  vi.useRealTimers();
  learnServiceTime(new Date().toUTCString());
  forgetLinks();
});

describe.each(WRONG)("a device whose clock is %s", (_name, offset) => {
  test("knows the service's time from any answer", async () => {
    const { api, truly } = wrongBy(offset);
    await api.call("GET", "/api/auth/me");
    expect(Math.abs(serviceClock.now() - truly())).toBeLessThanOrEqual(1_000);
  });

  test("stays signed in for as long as the service says", async () => {
    const { api, truly } = wrongBy(offset);
    const kept = { token: "t", user: { _id: "u" }, expiresAt: new Date(truly() + 10 * MINUTE).toISOString() } as unknown as Kept;
    await api.call("GET", "/api/auth/me");
    expect(seemsExpired(kept)).toBe(false);
    vi.advanceTimersByTime(9 * MINUTE);
    expect(seemsExpired(kept)).toBe(false);
    vi.advanceTimersByTime(2 * MINUTE);
    expect(seemsExpired(kept)).toBe(true);
  });

  test("asks for a picture's address once, and anew before it ends", async () => {
    const { api, asked } = wrongBy(offset);
    const first = await fileLink(api, "/api/files/f");
    vi.advanceTimersByTime(4 * MINUTE);
    expect((await fileLink(api, "/api/files/f")).url).toBe(first.url);
    expect(asked).toHaveLength(1);
    vi.advanceTimersByTime(MINUTE);
    expect((await fileLink(api, "/api/files/f")).url).not.toBe(first.url);
    expect(asked).toHaveLength(2);
  });

  test("offers to unsend while the service would do it", async () => {
    const { api, truly } = wrongBy(offset);
    await api.call("GET", "/api/auth/me");
    const message = { createdAt: new Date(truly()).toISOString(), isDeleted: false } as Message;
    vi.advanceTimersByTime(100_000);
    expect(recallable(message)).toBe(true);
    vi.advanceTimersByTime(30_000);
    expect(recallable(message)).toBe(false);
  });

  test("waits as long as a busy service asks, and says how long", async () => {
    const { api, asked, beBusy } = wrongBy(offset);
    beBusy(18);
    const answer = api.call("GET", "/api/chat/users");
    await vi.advanceTimersByTimeAsync(0);
    expect(Math.round((api.busy.until - serviceClock.now()) / 1_000)).toBe(18);
    await vi.advanceTimersByTimeAsync(17_000);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_000);
    await answer;
    expect(asked).toHaveLength(2);
  });
});

test("a date that is none changes nothing", () => {
  vi.setSystemTime(START);
  learnServiceTime(new Date(START + HOUR).toUTCString());
  for (const nothing of [null, "", "yesterday"]) learnServiceTime(nothing);
  expect(serviceClock.now()).toBe(START + HOUR);
});
