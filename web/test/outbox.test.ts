import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { ApiError } from "../src/core/api";
import { systemClock } from "../src/core/clock";
import { textDraft } from "../src/core/draft";
import { Outbox } from "../src/core/outbox";
import type { OutboxEntry } from "../src/core/outbox-entry";
import { MemoryStorage, openStorage, type Storage } from "../src/core/storage";
import { until } from "./support/ward";

const text = (content: string) => ({ messageType: "text" as const, content });
const clock = { ...systemClock, after: (ms: number, then: () => void) => systemClock.after(ms / 100, then) };

/** An outbox whose service answers as the test says. */
function box(storage: Storage, answer: (entry: OutboxEntry) => Promise<void>) {
  let id = 0;
  const sent: string[] = [];
  const outbox = new Outbox(Promise.resolve(storage), clock, {
    newId: () => `${Date.now()}-${++id}-${Math.random()}`,
    send: async (entry) => {
      sent.push(String(entry.body.content));
      await answer(entry);
    },
  });
  return { outbox, sent };
}

describe("the outbox", () => {
  test("sends one after the other within a session, and not before there is a connection", async () => {
    let underway = 0;
    let most = 0;
    const { outbox, sent } = box(new MemoryStorage(), async () => {
      underway += 1;
      most = Math.max(most, underway);
      await new Promise((resume) => setTimeout(resume, 3));
      underway -= 1;
    });
    for (const one of ["a", "b", "c", "d"]) outbox.add("ward", text(one));
    expect(sent).toEqual([]);
    outbox.setOpen(true);
    await until(() => outbox.size === 0, "all sent", 2_000);
    expect(sent).toEqual(["a", "b", "c", "d"]);
    expect(most).toBe(1);
  });

  test("what cannot be said now is said again under its key, and nothing overtakes it", async () => {
    const keys: string[] = [];
    let failures = 3;
    const { outbox, sent } = box(new MemoryStorage(), async (entry) => {
      keys.push(entry.clientMsgId);
      if (failures-- > 0) throw new ApiError("INTERNAL", "later", 503, { outcome: "unknown" });
    });
    outbox.setOpen(true);
    outbox.add("ward", text("first"));
    outbox.add("ward", text("second"));
    await until(() => outbox.size === 0, "all sent", 5_000);
    expect(sent).toEqual(["first", "first", "first", "first", "second"]);
    expect(new Set(keys).size).toBe(2);
  });

  test("a refusal fails one message alone, until a person says again", async () => {
    let refuse = true;
    const { outbox, sent } = box(new MemoryStorage(), async (entry) => {
      if (entry.body.content === "bad" && refuse) throw new ApiError("INVALID_MESSAGE", "no", 400);
    });
    outbox.setOpen(true);
    outbox.add("ward", text("bad"));
    outbox.add("ward", text("good"));
    await until(() => sent.includes("good") && outbox.size === 1, "the good one is sent", 2_000);
    const [failed] = outbox.of("ward");
    expect(failed).toMatchObject({ state: "failed", problem: { code: "INVALID_MESSAGE" } });
    refuse = false;
    outbox.retry(failed?.clientMsgId ?? "");
    await until(() => outbox.size === 0, "the other one too", 2_000);
  });

  test("a session that is stuck does not hold up another", async () => {
    const { outbox, sent } = box(new MemoryStorage(), async (entry) => {
      if (entry.sessionId === "stuck") throw new ApiError("RATE_LIMITED", "later", 429, { retryAfter: 3_600 });
    });
    outbox.setOpen(true);
    outbox.add("stuck", text("waits"));
    outbox.add("ward", text("goes"));
    await until(() => outbox.of("ward").length === 0, "the free session's message is sent", 2_000);
    expect(outbox.of("stuck")).toMatchObject([{ state: "unsent" }]);
    expect(sent).toContain("goes");
  });

  test("survives a reload in the browser's database, in its order", async () => {
    const before = box(await openStorage("someone"), () => new Promise(() => {}));
    before.outbox.setOpen(true);
    for (const one of ["1", "2", "3"]) before.outbox.add("ward", text(one));
    await before.outbox.settled();
    const keys = before.outbox.of("ward").map((entry) => entry.clientMsgId);

    const storage = await openStorage("someone");
    const after = box(storage, async () => {});
    await after.outbox.load();
    expect(after.outbox.of("ward").map((entry) => entry.clientMsgId)).toEqual(keys);
    expect(after.outbox.of("ward").every((entry) => entry.state === "unsent")).toBe(true);
    after.outbox.setOpen(true);
    await until(() => after.outbox.size === 0, "all sent", 2_000);
    await after.outbox.settled();
    expect(after.sent).toEqual(["1", "2", "3"]);
    expect(await storage.entries()).toEqual([]);
  });

  test("signing out leaves nothing", async () => {
    const storage = await openStorage("leaving");
    await storage.putDraft(textDraft("ward", "half a sentence"));
    await storage.destroy();
    expect(await (await openStorage("leaving")).drafts()).toEqual([]);
  });
});
