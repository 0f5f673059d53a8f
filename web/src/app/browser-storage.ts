// What a person leaves in this browser: encrypted with what their sign-in yields; where the browser has no cryptography, in
// the tab; where it keeps nothing, in memory.
import { deleteDB } from "idb";
import type { Draft } from "../core/draft";
import { MemoryStorage, openStorage, type Storage, TabStorage } from "../core/storage";
import { type Pad, padded, type Vault } from "../core/vault";

const tabKey = (userId: string) => `wardline.${userId}.tab`;
const lastWordsKey = (userId: string) => `wardline.${userId}.last-words`;

export async function browserStorage(userId: string, vault: Promise<Vault | null>): Promise<Storage> {
  const opened = await vault.catch(() => null);
  try {
    return opened ? await openStorage(userId, opened) : new TabStorage(tabKey(userId), sessionStorage);
  } catch {
    return new MemoryStorage();
  }
}

/** Removes everything the person left in this browser. */
export async function dropStorage(userId: string): Promise<void> {
  const prefix = `wardline.${userId}.`;
  for (const place of [localStorage, sessionStorage]) {
    for (const key of Object.keys(place)) if (key.startsWith(prefix)) place.removeItem(key);
  }
  await deleteDB(`wardline-${userId}`).catch(() => {});
}

const coded = (bytes: Uint8Array) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
const decoded = (text: string) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

/** Drafts for which there is no time to reach the database: the page is going, and only what is done at once is done. */
export class LastWords {
  private pad: Pad | null = null;

  constructor(
    private readonly userId: string,
    private readonly vault: Promise<Vault | null>,
  ) {
    void this.prepare();
  }

  /** Keeps them, at once. */
  keep(drafts: readonly Draft[]): void {
    const text = JSON.stringify(drafts);
    if (drafts.length === 0) return;
    try {
      const sealed = this.pad && padded(text, this.pad);
      if (this.pad && sealed) localStorage.setItem(this.key, `${coded(this.pad.nonce)}.${coded(sealed)}`);
      else sessionStorage.setItem(this.key, text);
    } catch {
      // a browser that keeps nothing
    }
    // A pad is used once; the page may come back.
    this.pad = null;
    void this.prepare();
  }

  /** What the last page left so; only once. */
  async take(): Promise<Draft[]> {
    try {
      const [open, sealed] = [sessionStorage.getItem(this.key), localStorage.getItem(this.key)];
      sessionStorage.removeItem(this.key);
      localStorage.removeItem(this.key);
      const vault = await this.vault;
      const [nonce, bytes] = (sealed ?? "").split(".");
      const text = open ?? (vault && nonce && bytes ? await vault.unpad(decoded(nonce), decoded(bytes)) : "[]");
      return (JSON.parse(text) as Draft[]).filter((one) => typeof one.sessionId === "string");
    } catch {
      return [];
    }
  }

  private get key(): string {
    return lastWordsKey(this.userId);
  }

  private async prepare(): Promise<void> {
    const vault = await this.vault.catch(() => null);
    this.pad = (await vault?.pad()) ?? null;
  }
}
