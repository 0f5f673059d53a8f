// The person's database in this browser; where there is none, memory, so that the chat works without a reload's safety.
import { deleteDB } from "idb";
import { MemoryStorage, openStorage, type Storage } from "../core/storage";

export async function browserStorage(userId: string): Promise<Storage> {
  try {
    return await openStorage(userId);
  } catch {
    return new MemoryStorage();
  }
}

/** Removes everything the person left in this browser. */
export async function dropStorage(userId: string): Promise<void> {
  const prefix = `wardline.${userId}.`;
  for (const key of Object.keys(localStorage)) if (key.startsWith(prefix)) localStorage.removeItem(key);
  await deleteDB(`wardline-${userId}`).catch(() => {});
}

const lastWordsKey = (userId: string) => `wardline.${userId}.last-words`;

/** Keeps drafts for which there is no time to reach the database: the page is going, and only this is done at once. */
export function keepLastWords(userId: string, drafts: [sessionId: string, text: string][]): void {
  try {
    if (drafts.length) localStorage.setItem(lastWordsKey(userId), JSON.stringify(drafts));
  } catch {
    // a browser that keeps nothing
  }
}

/** What the last page left so; only once. */
export function takeLastWords(userId: string): [sessionId: string, text: string][] {
  try {
    const kept = JSON.parse(localStorage.getItem(lastWordsKey(userId)) ?? "[]") as [string, string][];
    localStorage.removeItem(lastWordsKey(userId));
    return kept;
  } catch {
    return [];
  }
}
