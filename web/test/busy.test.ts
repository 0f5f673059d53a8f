// A service that asks to wait: what waits says for how long, and goes on by itself.
import { describe, expect, test } from "vitest";
import type { TFunction } from "i18next";
import { Api, ApiError } from "../src/core/api";
import { AttachmentStore } from "../src/core/attachments";
import type { Clock } from "../src/core/clock";
import { Outbox } from "../src/core/outbox";
import { MemoryStorage } from "../src/core/storage";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { said } from "../src/ui/common/said";
import { until } from "./support/ward";

const busy = () => new ApiError("RATE_LIMITED", "Too many requests.", 429, { retryAfter: 18 });

/** A clock that stands still until it is moved. */
function handClock() {
  let now = 1_000_000;
  const waiting: { at: number; then: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    random: () => 0.5,
    after(milliseconds, then) {
      const one = { at: now + milliseconds, then };
      waiting.push(one);
      return () => void waiting.splice(waiting.indexOf(one), 1);
    },
  };
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const one of waiting.filter(({ at }) => at <= now)) {
      waiting.splice(waiting.indexOf(one), 1);
      one.then();
    }
  };
  return { clock, pass };
}

describe("a busy service", () => {
  test("keeps a file waiting as long as it asked, and then has it", async () => {
    const { clock, pass } = handClock();
    let tries = 0;
    const store = new AttachmentStore(new Api(), Promise.resolve(new MemoryStorage()), clock, {
      uploader: () => {
        tries += 1;
        const uploaded = { fileUrl: "/api/files/f", fileName: "x.txt", fileSize: 1 };
        return { done: tries === 1 ? Promise.reject(busy()) : Promise.resolve(uploaded as never), cancel: () => {} };
      },
    });
    store.setOpen(true);
    store.add("ward", [new File(["x"], "x.txt", { type: "text/plain" })]);
    await until(() => store.of("ward")[0]?.waiting === true, "it waits", 2_000);
    expect(store.of("ward")[0]).toMatchObject({ busyUntil: clock.now() + 18_000, problem: undefined });
    pass(17_000);
    expect(tries).toBe(1);
    pass(1_000);
    await until(() => store.of("ward")[0]?.uploaded !== undefined, "it is uploaded", 2_000);
    expect(store.of("ward")[0]).toMatchObject({ busyUntil: undefined, waiting: false });
  });

  test("keeps a message waiting as long as it asked, and then has it", async () => {
    const { clock, pass } = handClock();
    let tries = 0;
    const outbox = new Outbox(Promise.resolve(new MemoryStorage()), clock, {
      newId: () => "key",
      send: async () => {
        tries += 1;
        if (tries === 1) throw busy();
      },
    });
    outbox.setOpen(true);
    outbox.add("ward", { messageType: "text", content: "K 6.8" });
    await until(() => outbox.of("ward")[0]?.busyUntil !== undefined, "it waits", 2_000);
    expect(outbox.of("ward")[0]).toMatchObject({ state: "unsent", busyUntil: clock.now() + 18_000 });
    pass(17_000);
    expect(tries).toBe(1);
    pass(1_000);
    await until(() => outbox.size === 0, "it is sent", 2_000);
    expect(tries).toBe(2);
  });

  test.each([
    ["en", en, "The service is busy. Try again in 18 s."],
    ["zh", zh as typeof en, "服务繁忙，请在 18 秒后重试。"],
  ])("says so in the reader's language (%s)", (_language, texts, sentence) => {
    const t = ((key: string, blanks: Record<string, unknown> = {}) =>
      (texts.error as Record<string, string>)[key.replace("error.", "")]?.replace(/{{(\w+)}}/g, (_, name: string) => String(blanks[name]))) as unknown as TFunction;
    expect(said(busy(), t)).toBe(sentence);
  });
});
