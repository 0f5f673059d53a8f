// A conversation's draft: over a reload, in two tabs, and in every race of them.
import "fake-indexeddb/auto";
import { openDB } from "idb";
import { describe, expect, test } from "vitest";
import { AttachmentStore } from "../src/core/attachments";
import { Api } from "../src/core/api";
import { systemClock } from "../src/core/clock";
import { Drafts } from "../src/core/drafts";
import { MemoryStorage, openStorage, type Storage } from "../src/core/storage";
import type { TabNews, Tabs } from "../src/core/tabs";
import { until } from "./support/ward";

const WARD = "ward";
const clock = { ...systemClock, after: (ms: number, then: () => void) => systemClock.after(ms / 50, then) };

/** Tabs that hear each other at once, or, while they sleep, later. */
function browser() {
  const all: { hear: ((news: TabNews) => void)[]; missed: TabNews[]; asleep: boolean }[] = [];
  return {
    tab(): Tabs & { sleep(): void; wake(): void } {
      const own = { hear: [] as ((news: TabNews) => void)[], missed: [] as TabNews[], asleep: false };
      all.push(own);
      return {
        tell: (news) => {
          for (const other of all) {
            if (other === own) continue;
            if (other.asleep) other.missed.push(structuredClone(news));
            else for (const hear of other.hear) hear(structuredClone(news));
          }
        },
        listen: (hear) => own.hear.push(hear),
        close: () => {},
        sleep: () => {
          own.asleep = true;
        },
        wake: () => {
          own.asleep = false;
          for (const news of own.missed.splice(0)) for (const hear of own.hear) hear(news);
        },
      };
    },
  };
}

async function opened(storage: Storage, tabs?: Tabs): Promise<Drafts> {
  const drafts = new Drafts(Promise.resolve(storage), clock, tabs);
  await drafts.load();
  return drafts;
}

describe("a draft", () => {
  test("holds everything a composer does over a reload, and what an earlier page kept", async () => {
    const old = await openDB("wardline-someone", 1, {
      upgrade: (fresh) => {
        fresh.createObjectStore("outbox", { keyPath: "clientMsgId" });
        fresh.createObjectStore("drafts");
      },
    });
    await old.put("drafts", "from before", "old");
    old.close();
    const storage = await openStorage("someone");
    const before = await opened(storage);
    expect(before.get("old")).toBe("from before");
    const mentions = [{ from: 0, to: 3, id: "na2" }];
    before.set(WARD, "@李娜 12床", mentions);
    before.change(WARD, { replyTo: { id: "m1", seq: 7 } });
    before.change(WARD, { edit: { id: "m2", seq: 8, base: "old", text: "new", mentions: [] } });
    await before.flush();
    const after = await opened(await openStorage("someone"));
    expect(after.of(WARD)).toMatchObject({
      id: before.of(WARD).id,
      text: "@李娜 12床",
      mentions,
      replyTo: { id: "m1", seq: 7 },
      edit: { id: "m2", text: "new" },
    });
    expect(after.ids().sort()).toEqual(["old", WARD]);
  });

  test("what a page could not write any more is kept, unless it was sent meanwhile", async () => {
    const storage = new MemoryStorage();
    const page = await opened(storage);
    page.set(WARD, "first");
    await page.flush();
    page.set(WARD, "first and more");
    const last = structuredClone(page.unwritten());
    const other = await opened(storage);
    other.restore(last);
    expect(other.get(WARD)).toBe("first and more");
    other.take(WARD);
    await other.flush();
    const third = new Drafts(Promise.resolve(storage), clock);
    third.restore(last);
    await third.load();
    expect(third.get(WARD)).toBe("");
  });
});

describe("two tabs", () => {
  test("have one draft; sending it in one empties it in the other at once, and both would send it under one key", async () => {
    const here = browser();
    const storage = new MemoryStorage();
    const a = await opened(storage, here.tab());
    const b = await opened(storage, here.tab());
    a.set(WARD, "Bed 12 needs help");
    await until(() => b.get(WARD) === "Bed 12 needs help", "the other tab has it", 2_000);
    expect(b.of(WARD).id).toBe(a.of(WARD).id);
    const { id } = a.of(WARD);
    expect(a.take(WARD).id).toBe(id);
    expect(b.get(WARD)).toBe("");
    expect(b.of(WARD).id).toBe(a.of(WARD).id);
    expect(b.of(WARD).id).not.toBe(id);
    await a.flush();
    await b.flush();
    expect((await opened(storage)).get(WARD)).toBe("");
  });

  test.each([
    ["typed in both before either was told", "alpha", "beta", ["alpha", "beta"]],
    ["the same words", "gamma", "gamma", ["gamma"]],
    ["one goes on where the other was", "delta", "delta and more", ["delta and more"]],
  ])("%s: nothing is lost", async (_what, one, other, parts) => {
    const here = browser();
    const storage = new MemoryStorage();
    const [tabA, tabB] = [here.tab(), here.tab()];
    const a = await opened(storage, tabA);
    const b = await opened(storage, tabB);
    a.set(WARD, "");
    a.set(WARD, one);
    b.set(WARD, other);
    await until(() => a.get(WARD) === b.get(WARD) && parts.every((part) => a.get(WARD).includes(part)), "both agree", 2_000);
    expect(a.get(WARD).length).toBe(parts.join("\n").length);
    await a.flush();
    await b.flush();
    expect((await opened(storage)).get(WARD)).toBe(a.get(WARD));
  });

  test("what one typed on while the other sent stays, and what was sent does not come back", async () => {
    const here = browser();
    const storage = new MemoryStorage();
    const tabB = here.tab();
    const a = await opened(storage, here.tab());
    const b = await opened(storage, tabB);
    a.set(WARD, "Please come");
    await until(() => b.get(WARD) === "Please come", "told", 2_000);
    tabB.sleep();
    b.set(WARD, "Please come to bed 9");
    a.take(WARD);
    tabB.wake();
    await until(() => a.get(WARD) === "to bed 9" && b.get(WARD) === "to bed 9", "the rest is in both", 2_000);
    await a.flush();
    await b.flush();
    expect((await opened(storage)).get(WARD)).toBe("to bed 9");
  });

  test("a tab that slept through everything writes nothing old over what is new", async () => {
    const here = browser();
    const storage = new MemoryStorage();
    const tabB = here.tab();
    const a = await opened(storage, here.tab());
    const b = await opened(storage, tabB);
    a.set(WARD, "one");
    await until(() => b.get(WARD) === "one", "told", 2_000);
    tabB.sleep();
    a.take(WARD);
    a.set(WARD, "two");
    await a.flush();
    tabB.wake();
    expect(b.get(WARD)).toBe("two");
    b.set(WARD, "two and three");
    await b.flush();
    expect((await opened(storage)).get(WARD)).toBe("two and three");
    expect(a.get(WARD)).toBe("two and three");
  });

  test("have the same files, and those that one sent are in no tray", async () => {
    const here = browser();
    const storage = new MemoryStorage();
    const files = (tabs: Tabs) =>
      new AttachmentStore(new Api(), Promise.resolve(storage), clock, {
        tabs,
        uploader: () => ({ done: new Promise(() => {}), cancel: () => {} }),
      });
    const [a, b] = [files(here.tab()), files(here.tab())];
    a.add(WARD, [new File(["x"], "x.txt", { type: "text/plain" })]);
    await until(() => b.of(WARD).length === 1, "the other tab shows it", 2_000);
    expect(b.of(WARD)[0]?.id).toBe(a.of(WARD)[0]?.id);
    const [sent] = a.takeAll(WARD);
    await until(() => b.of(WARD).length === 0, "it is gone there, too", 2_000);
    // A page that is loaded now finds it with the message that waits, not in the tray.
    const c = files(here.tab());
    await c.load((id) => id === sent?.id);
    expect(c.of(WARD)).toEqual([]);
    expect(c.find(sent?.id ?? "")?.file.name).toBe("x.txt");
  });

  test("a recording that a page left is attached by the next one", async () => {
    const storage = new MemoryStorage();
    const time = { now: 1_000_000 };
    const at = { ...clock, now: () => time.now };
    const store = () =>
      new AttachmentStore(new Api(), Promise.resolve(storage), at, {
        uploader: () => ({ done: new Promise(() => {}), cancel: () => {} }),
      });
    const first = store();
    first.keepRecording(WARD, "r1", new File(["abc"], "voice-3s.webm", { type: "audio/webm" }));
    first.keepRecording(WARD, "r2", new File(["abc"], "voice-1s.webm", { type: "audio/webm" }));
    first.dropRecording("r2");
    await first.settled();
    time.now += 10_000;
    const next = store();
    await next.load(() => false);
    expect(next.of(WARD).map((one) => [one.kind, one.file.name])).toEqual([["voice", "voice-3s.webm"]]);
  });
});
