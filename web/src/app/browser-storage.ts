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
