// What was written and not sent, for each conversation; kept over a reload and the same in every tab. A draft that was made
// from the newest one takes its place; two that were made without knowing of each other become one.
import type { Clock } from "./clock";
import { alike, blankDraft, type Draft, isBlank, merged } from "./draft";
import { newId } from "./ids";
import type { MentionRange } from "./mentions";
import { Observable } from "./observable";
import type { Storage } from "./storage";
import type { TabNews, Tabs } from "./tabs";

const WRITE_AFTER_MS = 150;

export type DraftChange = Partial<Pick<Draft, "text" | "mentions" | "replyTo" | "edit">>;

export class Drafts extends Observable {
  private readonly bySession = new Map<string, Draft>();
  private readonly planned = new Map<string, () => void>();
  private writes: Promise<void> = Promise.resolve();
  /** What the storage has not confirmed. */
  private readonly open = new Set<string>();
  private readonly tab = newId();

  constructor(
    private readonly storage: Promise<Storage>,
    private readonly clock: Clock,
    private readonly tabs?: Tabs,
  ) {
    super();
    tabs?.listen((news) => this.hear(news));
  }

  async load(): Promise<void> {
    for (const stored of await (await this.storage).drafts()) this.receive(stored, false);
    this.changed();
  }

  /** A session's draft. The same object as long as nothing of it changes. */
  of(sessionId: string): Draft {
    let draft = this.bySession.get(sessionId);
    if (!draft) {
      draft = blankDraft(sessionId);
      this.bySession.set(sessionId, draft);
    }
    return draft;
  }

  /** The text that is written there. */
  get(sessionId: string): string {
    return this.bySession.get(sessionId)?.text ?? "";
  }

  set(sessionId: string, text: string, mentions: MentionRange[] = []): void {
    this.change(sessionId, { text, mentions });
  }

  change(sessionId: string, how: DraftChange): void {
    const before = this.of(sessionId);
    const after = { ...before, ...how };
    if (alike(before, after)) return;
    this.put({ ...after, version: before.version + 1, by: this.tab });
    this.plan(sessionId);
  }

  /** The draft as a message to be sent. Afterwards there is an empty one, in every tab, at once. */
  take(sessionId: string): Draft {
    const taken = this.of(sessionId);
    this.put({
      ...blankDraft(sessionId),
      edit: taken.edit,
      version: taken.version + 1,
      base: taken.base,
      by: this.tab,
      sent: { id: taken.id, text: taken.text },
    });
    this.write(sessionId);
    return taken;
  }

  /** Of which sessions something is kept. */
  ids(): string[] {
    return [...this.bySession.values()].filter((draft) => !isBlank(draft)).map((draft) => draft.sessionId);
  }

  /** The draft belongs to another id from now on. What was typed there stays before it. */
  move(from: string, to: string): void {
    const moving = this.bySession.get(from);
    if (!moving || isBlank(moving)) return;
    const there = this.of(to);
    const { replyTo, edit } = moving;
    if (there.text) this.change(to, { text: `${there.text}\n${moving.text}` });
    else this.change(to, { text: moving.text, mentions: moving.mentions, replyTo, edit });
    this.change(from, { text: "", mentions: [], replyTo: undefined, edit: undefined });
  }

  /** What would be lost if everything ended now: a page that goes has no time for a database. */
  unwritten(): Draft[] {
    return [...this.open].map((sessionId) => this.of(sessionId));
  }

  /** What the last page could not write any more. */
  restore(drafts: readonly Draft[]): void {
    for (const draft of drafts) {
      // Nobody was told of it: it stays what it is, newer than what it was made from.
      if (this.of(draft.sessionId).version === 0) this.put(draft);
      else this.receive(draft, false);
      this.plan(draft.sessionId);
    }
    this.changed();
  }

  /** Writes at once what waits to be written: the page is going. */
  flush(): Promise<void> {
    for (const sessionId of [...this.planned.keys()]) this.write(sessionId);
    return this.writes;
  }

  private hear(news: TabNews): void {
    if (news.what === "draft") this.receive(news.draft, true);
  }

  /** A draft from another tab or from the storage. */
  private receive(told: Draft, answer: boolean): void {
    const mine = this.bySession.get(told.sessionId);
    const known = { ...told, base: told.version };
    // What no tab was told of cannot be what another one's was made from.
    const clean = !mine || mine.base >= mine.version;
    if (!mine || (clean && told.base >= mine.version)) {
      this.put(known);
    } else if (alike(mine, told)) {
      if (told.version > mine.version) this.put(known);
    } else if (mine.base >= told.version) {
      // That tab slept: it is told what became of its draft.
      if (answer) this.tabs?.tell({ what: "draft", draft: mine });
    } else {
      this.put(merged(mine, told));
      this.write(told.sessionId);
    }
  }

  private put(draft: Draft): void {
    this.bySession.set(draft.sessionId, draft);
    this.changed();
  }

  private plan(sessionId: string): void {
    this.open.add(sessionId);
    this.planned.get(sessionId)?.();
    this.planned.set(
      sessionId,
      this.clock.after(WRITE_AFTER_MS, () => this.write(sessionId)),
    );
  }

  private write(sessionId: string): void {
    this.planned.get(sessionId)?.();
    this.planned.delete(sessionId);
    this.open.add(sessionId);
    const draft = this.of(sessionId);
    this.tabs?.tell({ what: "draft", draft });
    // From here on every tab knows this version; the next change is made from it.
    this.bySession.set(sessionId, { ...draft, base: draft.version });
    this.writes = this.writes
      .then(async () => {
        const newer = await (await this.storage).putDraft(draft);
        if (this.of(sessionId).version === draft.version) this.open.delete(sessionId);
        if (newer) this.receive(newer, false);
      })
      .catch(() => {});
  }
}
