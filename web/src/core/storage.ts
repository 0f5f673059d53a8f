// What survives a reload, behind one interface: what is not yet sent, drafts and their files. One database for each person, so
// that signing out takes everything of theirs and nothing of anybody else's. With a vault all that anybody wrote lies there
// encrypted; without one (a browser without cryptography) it lives as long as its tab.
import { type DBSchema, deleteDB, type IDBPDatabase, openDB } from "idb";
import { type Draft, textDraft } from "./draft";
import type { OutboxEntry } from "./outbox-entry";
import type { StoredFile } from "./stored-file";
import type { Sealed, Vault } from "./vault";

export interface Storage {
  /** Whether what is kept outlives the page. */
  readonly lasting: boolean;
  entries(): Promise<OutboxEntry[]>;
  putEntry(entry: OutboxEntry): Promise<void>;
  removeEntry(clientMsgId: string): Promise<void>;
  drafts(): Promise<Draft[]>;
  /** Keeps a draft, unless one is kept that is newer or that it does not know of: that one is then the answer. */
  putDraft(draft: Draft): Promise<Draft | null>;
  files(): Promise<StoredFile[]>;
  putFile(file: StoredFile): Promise<void>;
  removeFile(id: string): Promise<void>;
  /** Removes everything and closes. */
  destroy(): Promise<void>;
  close(): void;
}

/** A draft as it is kept: what decides between two tabs stands beside it, so that one transaction can compare. */
interface KeptDraft {
  version: number;
  by?: string;
  draft?: Draft;
  sealed?: Sealed;
}

/** What is kept of an entry or a file: where it belongs, and the rest sealed. */
interface SealedRow {
  order: number;
  sealed: Sealed;
  bytes?: Sealed;
}

interface Tables extends DBSchema {
  outbox: { key: string; value: OutboxEntry | (SealedRow & { clientMsgId: string }) };
  drafts: { key: string; value: KeptDraft | string };
  files: { key: string; value: StoredFile | (SealedRow & { id: string }) };
}

const VERSION = 2;

/** Opens (or makes) the person's database. Fails where the browser has none, as in some private windows. */
export async function openStorage(userId: string, vault?: Vault): Promise<Storage> {
  const name = `wardline-${userId}`;
  const database = await openDB<Tables>(name, VERSION, {
    upgrade(fresh, from) {
      if (from < 1) {
        fresh.createObjectStore("outbox", { keyPath: "clientMsgId" });
        fresh.createObjectStore("drafts");
      }
      if (from < 2) fresh.createObjectStore("files", { keyPath: "id" });
    },
    // Another tab signs out or has a newer version: let go, or it waits for ever.
    blocking: (_current, _blocked, event) => (event.target as IDBDatabase).close(),
  });
  return new IndexedStorage(name, database, vault);
}

/** Whether a draft may take the place of another one: it knows of it. */
export function succeeds(next: Draft, kept: Pick<Draft, "version" | "by"> | undefined): boolean {
  return !kept || next.base >= kept.version || (next.version === kept.version && next.by === kept.by);
}

const isSealed = <T extends object>(row: T | SealedRow): row is T & SealedRow => "sealed" in row;

class IndexedStorage implements Storage {
  readonly lasting = true;

  constructor(
    private readonly name: string,
    private readonly database: IDBPDatabase<Tables>,
    private readonly vault: Vault | undefined,
  ) {}

  async entries(): Promise<OutboxEntry[]> {
    const rows = await this.database.getAll("outbox");
    const all = await Promise.all(
      rows.map(async (row) => {
        if (isSealed(row)) return this.vault?.open<OutboxEntry>(row.sealed);
        // An earlier version of this page kept it as it is.
        if (this.vault) await this.putEntry(row);
        return row;
      }),
    );
    return all.filter((entry) => entry !== undefined).sort((a, b) => a.order - b.order);
  }

  async putEntry(entry: OutboxEntry): Promise<void> {
    const { clientMsgId, order } = entry;
    const row = this.vault ? { clientMsgId, order, sealed: await this.vault.seal(entry) } : entry;
    await this.database.put("outbox", row);
  }

  async removeEntry(clientMsgId: string): Promise<void> {
    await this.database.delete("outbox", clientMsgId);
  }

  async drafts(): Promise<Draft[]> {
    // One transaction: both lists are of the same moment.
    const { store } = this.database.transaction("drafts");
    const [keys, values] = await Promise.all([store.getAllKeys(), store.getAll()]);
    const all = await Promise.all(
      values.map(async (kept, at) => {
        if (typeof kept === "object") return this.draftOf(kept);
        // An earlier version of this page kept nothing but the text.
        const draft = textDraft(keys[at] ?? "", kept);
        if (this.vault) await this.putDraft(draft);
        return draft;
      }),
    );
    return all.filter((draft) => draft !== undefined);
  }

  async putDraft(draft: Draft): Promise<Draft | null> {
    const { version, by, sessionId } = draft;
    const row = this.vault ? { version, by, sealed: await this.vault.seal(draft) } : { version, by, draft };
    const { store, done } = this.database.transaction("drafts", "readwrite");
    const kept = await store.get(sessionId);
    const other = typeof kept === "object" ? kept : undefined;
    if (other && !succeeds(draft, { version: other.version, by: other.by ?? other.draft?.by ?? "" })) {
      return (await this.draftOf(other)) ?? null;
    }
    await store.put(row, sessionId);
    await done;
    return null;
  }

  async files(): Promise<StoredFile[]> {
    const rows = await this.database.getAll("files");
    const all = await Promise.all(
      rows.map(async (row) => {
        if (!isSealed(row)) return row;
        const file = await this.vault?.open<StoredFile>(row.sealed);
        const bytes = row.bytes && (await this.vault?.openBytes(row.bytes));
        return file && bytes && { ...file, bytes };
      }),
    );
    return all.filter((file) => file !== undefined).sort((a, b) => a.order - b.order);
  }

  async putFile(file: StoredFile): Promise<void> {
    const { id, order, bytes, ...about } = file;
    if (!this.vault) return void (await this.database.put("files", file));
    const [sealed, body] = await Promise.all([this.vault.seal({ id, order, ...about }), this.vault.sealBytes(bytes)]);
    await this.database.put("files", { id, order, sealed, bytes: body });
  }

  async removeFile(id: string): Promise<void> {
    await this.database.delete("files", id);
  }

  private async draftOf(kept: KeptDraft): Promise<Draft | undefined> {
    return kept.sealed ? this.vault?.open<Draft>(kept.sealed) : kept.draft;
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
  readonly lasting = false;
  readonly kept = new Map<string, OutboxEntry>();
  readonly written = new Map<string, Draft>();
  readonly attached = new Map<string, StoredFile>();

  async entries(): Promise<OutboxEntry[]> {
    return [...this.kept.values()].map((entry) => structuredClone(entry)).sort((a, b) => a.order - b.order);
  }

  async putEntry(entry: OutboxEntry): Promise<void> {
    this.kept.set(entry.clientMsgId, structuredClone(entry));
  }

  async removeEntry(clientMsgId: string): Promise<void> {
    this.kept.delete(clientMsgId);
  }

  async drafts(): Promise<Draft[]> {
    return [...this.written.values()].map((draft) => structuredClone(draft));
  }

  async putDraft(draft: Draft): Promise<Draft | null> {
    const kept = this.written.get(draft.sessionId);
    if (!succeeds(draft, kept)) return structuredClone(kept ?? null);
    this.written.set(draft.sessionId, structuredClone(draft));
    return null;
  }

  async files(): Promise<StoredFile[]> {
    return [...this.attached.values()].map((file) => structuredClone(file)).sort((a, b) => a.order - b.order);
  }

  async putFile(file: StoredFile): Promise<void> {
    this.attached.set(file.id, structuredClone(file));
  }

  async removeFile(id: string): Promise<void> {
    this.attached.delete(id);
  }

  async destroy(): Promise<void> {
    this.kept.clear();
    this.written.clear();
    this.attached.clear();
  }

  close(): void {}
}

/** What `sessionStorage` can do, of which the core has only this. */
export interface TextStore {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
}

/** Keeps things as long as the tab lives, also over a reload of it: where the browser has no cryptography. */
export class TabStorage extends MemoryStorage {
  constructor(
    private readonly name: string,
    private readonly tab: TextStore,
  ) {
    super();
    try {
      const kept = JSON.parse(tab.getItem(name) ?? "{}") as { entries?: OutboxEntry[]; drafts?: Draft[] };
      for (const entry of kept.entries ?? []) this.kept.set(entry.clientMsgId, entry);
      for (const draft of kept.drafts ?? []) this.written.set(draft.sessionId, draft);
    } catch {
      // nothing that could be read
    }
  }

  override async putEntry(entry: OutboxEntry): Promise<void> {
    await super.putEntry(entry);
    this.write();
  }

  override async removeEntry(clientMsgId: string): Promise<void> {
    await super.removeEntry(clientMsgId);
    this.write();
  }

  override async putDraft(draft: Draft): Promise<Draft | null> {
    const newer = await super.putDraft(draft);
    this.write();
    return newer;
  }

  override async putFile(file: StoredFile): Promise<void> {
    await super.putFile(file);
    // The bytes do not fit in here; the user is warned before the page closes.
    throw new Error("kept in memory only");
  }

  override async destroy(): Promise<void> {
    await super.destroy();
    this.tab.removeItem(this.name);
  }

  private write(): void {
    const kept = { entries: [...this.kept.values()], drafts: [...this.written.values()] };
    try {
      this.tab.setItem(this.name, JSON.stringify(kept));
    } catch {
      // full, or forbidden: it lives as long as the page
    }
  }
}
