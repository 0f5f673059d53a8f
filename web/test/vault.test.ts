// What waits on a device opens only with its author's sign-in.
import "fake-indexeddb/auto";
import { openDB } from "idb";
import { describe, expect, test } from "vitest";
import { blankDraft } from "../src/core/draft";
import type { OutboxEntry } from "../src/core/outbox-entry";
import { openStorage, TabStorage } from "../src/core/storage";
import { padded, Vault } from "../src/core/vault";

const entry: OutboxEntry = {
  clientMsgId: "m1",
  sessionId: "s1",
  body: { content: "Bed 4 is positive", messageType: "text" },
  order: 1,
  createdAt: 1,
  state: "unsent",
};
const draft = { ...blankDraft("s1"), text: "Half a secret", version: 1, base: 1 };
const file = { id: "f1", sessionId: "s1", name: "secret-name.txt", type: "text/plain", kind: "file" as const, bytes: new TextEncoder().encode("secret bytes").buffer, order: 1 };

const vault = async (secret: string) => (await Vault.from(secret)) ?? expect.unreachable();

/** Every byte and text that lies in a database. */
async function lying(name: string): Promise<string> {
  const database = await openDB(name);
  const rows = await Promise.all([...database.objectStoreNames].map((store) => database.getAll(store)));
  database.close();
  const plain = (value: unknown): string => {
    if (value instanceof ArrayBuffer) return new TextDecoder().decode(value);
    if (ArrayBuffer.isView(value)) return new TextDecoder().decode(value);
    return value && typeof value === "object" ? Object.values(value).map(plain).join(" ") : String(value);
  };
  return plain(rows);
}

describe("a sealed storage", () => {
  test("gives back to its author what nobody else can read", async () => {
    const mine = await openStorage("author", await vault("mine"));
    await mine.putEntry(entry);
    expect(await mine.putDraft(draft)).toBeNull();
    await mine.putFile(file);
    mine.close();
    expect(await lying("wardline-author")).not.toMatch(/positive|secret/);
    const stranger = await openStorage("author", await vault("another"));
    expect([await stranger.entries(), await stranger.drafts(), await stranger.files()]).toEqual([[], [], []]);
    stranger.close();
    const again = await openStorage("author", await vault("mine"));
    expect(await again.entries()).toEqual([entry]);
    expect(await again.drafts()).toEqual([draft]);
    expect((await again.files()).map((one) => new TextDecoder().decode(one.bytes))).toEqual(["secret bytes"]);
    // A tab that does not know of the kept draft gets it instead.
    expect(await again.putDraft({ ...draft, text: "Other", version: 1, base: 0, by: "other" })).toEqual(draft);
    again.close();
  });

  test("seals what an earlier version left open", async () => {
    const open = await openStorage("old");
    await open.putEntry(entry);
    open.close();
    const sealing = await openStorage("old", await vault("mine"));
    expect(await sealing.entries()).toEqual([entry]);
    sealing.close();
    expect(await lying("wardline-old")).not.toContain("positive");
  });

  test("takes the last words at once", async () => {
    const one = await vault("mine");
    const pad = await one.pad();
    const sealed = padded("The last words, 最后一句", pad) ?? expect.unreachable();
    expect(new TextDecoder().decode(sealed)).not.toContain("words");
    expect(await one.unpad(pad.nonce, sealed)).toBe("The last words, 最后一句");
    expect(padded("x".repeat(1 << 20), pad)).toBeUndefined();
  });
});

test("without cryptography it lives as long as its tab", async () => {
  const kept = new Map<string, string>();
  const tab = { getItem: (key: string) => kept.get(key) ?? null, setItem: (key: string, value: string) => void kept.set(key, value), removeItem: (key: string) => void kept.delete(key) };
  const before = new TabStorage("tab", tab);
  await before.putEntry(entry);
  await before.putDraft(draft);
  const after = new TabStorage("tab", tab);
  expect([await after.entries(), await after.drafts()]).toEqual([[entry], [draft]]);
  await after.destroy();
  expect(kept.size).toBe(0);
});
