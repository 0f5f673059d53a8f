// What survives a reload, behind one interface: messages not yet sent, and drafts. One database for each person, so that
// signing out takes everything of theirs and nothing of anybody else's.
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from "idb";
import type { OutboxEntry } from "./outbox-entry";

export interface Storage {
  entries(): Promise<OutboxEntry[]>;
  putEntry(entry: OutboxEntry): Promise<void>;
  removeEntry(clientMsgId: string): Promise<void>;
  drafts(): Promise<Map<string, string>>;
  /** An empty text removes the draft. */
  putDraft(sessionId: string, text: string): Promise<void>;
  /** Removes everything and closes. */
  destroy(): Promise<void>;
  close(): void;
}

interface Tables extends DBSchema {
  outbox: { key: string; value: OutboxEntry };
  drafts: { key: string; value: string };
}

const VERSION = 1;

/** Opens (or makes) the person's database. Fails where the browser has none, as in some private windows. */
export async function openStorage(userId: string): Promise<Storage> {
  const name = `wardline-${userId}`;
  const database = await openDB<Tables>(name, VERSION, {
    upgrade(fresh) {
      fresh.createObjectStore("outbox", { keyPath: "clientMsgId" });
      fresh.createObjectStore("drafts");
    },
    // Another tab signs out or has a newer version: let go, or it waits for ever.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  return new IndexedStorage(name, database);
}

class IndexedStorage implements Storage {
  constructor(
    private readonly name: string,
    private readonly database: IDBPDatabase<Tables>,
  ) {}

  async entries(): Promise<OutboxEntry[]> {
    return (await this.database.getAll("outbox")).sort((a, b) => a.order - b.order);
  }

  async putEntry(entry: OutboxEntry): Promise<void> {
    await this.database.put("outbox", entry);
  }

  async removeEntry(clientMsgId: string): Promise<void> {
    await this.database.delete("outbox", clientMsgId);
  }

  async drafts(): Promise<Map<string, string>> {
    // One transaction: both lists are of the same moment.
    const { store } = this.database.transaction("drafts");
    const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
    return new Map(keys.map((key, index) => [key, values[index] ?? ""]));
  }

  async putDraft(sessionId: string, text: string): Promise<void> {
    if (text) await this.database.put("drafts", text, sessionId);
    else await this.database.delete("drafts", sessionId);
  }

  async destroy(): Promise<void> {
    this.database.close();
    await deleteDB(this.name);
  }

  close(): void {
    this.database.close();
  }
}

/** Keeps things as long as the page lives, where the browser gives no database; and for tests. */
export class MemoryStorage implements Storage {
  readonly kept = new Map<string, OutboxEntry>();
  readonly texts = new Map<string, string>();

  async entries(): Promise<OutboxEntry[]> {
    return [...this.kept.values()].map((entry) => structuredClone(entry)).sort((a, b) => a.order - b.order);
  }

  async putEntry(entry: OutboxEntry): Promise<void> {
    this.kept.set(entry.clientMsgId, structuredClone(entry));
  }

  async removeEntry(clientMsgId: string): Promise<void> {
    this.kept.delete(clientMsgId);
  }

  async drafts(): Promise<Map<string, string>> {
    return new Map(this.texts);
  }

  async putDraft(sessionId: string, text: string): Promise<void> {
    if (text) this.texts.set(sessionId, text);
    else this.texts.delete(sessionId);
  }

  async destroy(): Promise<void> {
    this.kept.clear();
    this.texts.clear();
  }

  close(): void {}
}
