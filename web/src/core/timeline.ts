// A session's messages by `seq`, as far as they are loaded. A reader of a range asks `missing` for what to fetch.
// Objects are replaced, never changed, so a row that got the same object has nothing to draw.
import type { Message } from "./wire";

/** Fetched at once; the service gives 100 at most. */
export const PAGE = 100;
const BLOCK = 50;
/** So many messages of a session are kept; far ones are forgotten beyond it. */
const KEPT = 6_000;

export class Timeline {
  /** The newest `seq` there is. */
  head = 0;
  /** Nothing up to here is shown to this person. */
  hiddenSeq = 0;
  private readonly bySeq = new Map<number, Message>();
  private readonly seqById = new Map<string, number>();
  private readonly byClientId = new Map<string, number>();
  private readonly fetching = new Set<number>();

  get(seq: number): Message | undefined {
    return this.bySeq.get(seq);
  }

  find(messageId: string): Message | undefined {
    const seq = this.seqById.get(messageId);
    return seq === undefined ? undefined : this.bySeq.get(seq);
  }

  /** Whether a message with this idempotency key is here. */
  holds(clientMsgId: string): boolean {
    return this.byClientId.has(clientMsgId);
  }

  get loaded(): number {
    return this.bySeq.size;
  }

  /** All loaded messages, by `seq`. */
  all(): Message[] {
    return [...this.bySeq.values()].sort((a, b) => a.seq - b.seq);
  }

  /** Takes a message as it now is; of two states of one message the later change stays, and receipts only grow. */
  put(message: Message): void {
    if (message.seq <= this.hiddenSeq) return;
    const known = this.bySeq.get(message.seq);
    this.bySeq.set(message.seq, known ? merge(known, message) : message);
    this.seqById.set(message._id, message.seq);
    if (message.clientMsgId) this.byClientId.set(message.clientMsgId, message.seq);
  }

  change(messageId: string, how: (message: Message) => Message): void {
    const seq = this.seqById.get(messageId);
    const known = seq === undefined ? undefined : this.bySeq.get(seq);
    if (seq !== undefined && known) this.bySeq.set(seq, how(known));
  }

  /** Runs of at most {@link PAGE} messages, `[first, last]`, to be fetched so that everything from `from` to `to` is here. */
  missing(from: number, to: number): [number, number][] {
    const first = Math.floor((Math.max(from, this.hiddenSeq + 1) - 1) / BLOCK);
    const last = Math.floor((Math.min(to, this.head) - 1) / BLOCK);
    const runs: [number, number][] = [];
    for (let block = last; block >= first && block >= 0; block--) {
      const span = this.span(block);
      if (this.fetching.has(block) || this.complete(span)) continue;
      const before = runs.at(-1);
      // Two neighbours are one call.
      if (before && before[0] === span[1] + 1 && before[1] - span[0] < PAGE) before[0] = span[0];
      else runs.push(span);
    }
    return runs;
  }

  /** Marks a run as on its way, or no longer. */
  mark([first, last]: [number, number], underway: boolean): void {
    for (let block = Math.floor((first - 1) / BLOCK); block * BLOCK < last; block++) {
      if (underway) this.fetching.add(block);
      else this.fetching.delete(block);
    }
  }

  /** Forgets what is far from `around` when too much is kept. */
  trim(around: number): void {
    if (this.bySeq.size <= KEPT) return;
    const far = [...this.bySeq.keys()].sort((a, b) => Math.abs(b - around) - Math.abs(a - around));
    for (const seq of far.slice(0, this.bySeq.size - KEPT / 2)) if (seq !== this.head) this.forget(seq);
  }

  /** Sets up to where the past is hidden, and forgets what lies there. */
  hide(hiddenSeq: number): void {
    this.hiddenSeq = hiddenSeq;
    for (const seq of [...this.bySeq.keys()]) if (seq <= hiddenSeq) this.forget(seq);
  }

  forgetAll(): void {
    for (const seq of [...this.bySeq.keys()]) this.forget(seq);
  }

  private forget(seq: number): void {
    const message = this.bySeq.get(seq);
    this.bySeq.delete(seq);
    if (!message) return;
    this.seqById.delete(message._id);
    if (message.clientMsgId) this.byClientId.delete(message.clientMsgId);
  }

  private span(block: number): [number, number] {
    return [Math.max(block * BLOCK, this.hiddenSeq) + 1, Math.min((block + 1) * BLOCK, this.head)];
  }

  private complete([first, last]: [number, number]): boolean {
    for (let seq = first; seq <= last; seq++) if (!this.bySeq.has(seq)) return false;
    return true;
  }
}

const RANK = { sent: 0, delivered: 1, read: 2 } as const;

function merge(known: Message, come: Message): Message {
  const newer = come.rev >= known.rev ? come : known;
  return {
    ...newer,
    status: RANK[known.status] > RANK[come.status] ? known.status : come.status,
    deliveredCount: Math.max(known.deliveredCount, come.deliveredCount),
    readCount: Math.max(known.readCount, come.readCount),
    readBy: known.readBy.length > come.readBy.length ? known.readBy : come.readBy,
  };
}
