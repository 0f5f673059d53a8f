// What lies over something else: dialogs, menus, panes, a selection. One stack of them: Escape and Back take the topmost away,
// one at a time. Each is an entry of the browser's history, and forward opens none again.
import { useHashLocation } from "wouter/use-hash-location";
import { composing } from "../ui/common/ime";

interface Mark {
  /** Grows from one entry to the next. */
  at?: number;
  /** The layer that the entry is of. */
  layer?: number;
  /** The page's life in which it was made. */
  run?: string;
}

export interface Layer {
  id: number;
  close(): void;
  /** Its place in the history; infinite until it has one. */
  at: number;
  /** Neither Escape nor Back closes it. */
  locked: boolean;
}

const mark = () => (history.state ?? {}) as Mark;
/** Dialogs and menus that close themselves and are not among the layers. */
const FOREIGN = "[role=dialog]:not([data-layer]):not([data-layer] *), [role=menu]:not([data-layer])";

class Layers {
  private readonly run = String(Math.random());
  private readonly open: Layer[] = [];
  private readonly waiting: (() => void)[] = [];
  private current = 0;
  private lastId = 0;
  /** A step back was asked for and has not come. */
  private leaving = false;
  private foreign = false;
  private started = false;

  push(close: () => void, inHistory: boolean, locked: boolean): Layer {
    this.start();
    this.lastId += 1;
    const layer: Layer = { id: this.lastId, close, at: Number.POSITIVE_INFINITY, locked };
    this.open.push(layer);
    if (inHistory) this.whenSettled(() => this.place(layer));
    return layer;
  }

  remove(layer: Layer): void {
    const at = this.open.indexOf(layer);
    if (at >= 0) this.open.splice(at, 1);
    // What takes its place at once, or an address that is gone to, uses up its entry.
    setTimeout(() => this.settle());
  }

  /** Runs `job` when no step through the history is on its way. */
  whenSettled(job: () => void): void {
    if (this.leaving) this.waiting.push(job);
    else job();
  }

  private start(): void {
    if (this.started) return;
    this.started = true;
    this.current = mark().at ?? 0;
    history.replaceState({ at: this.current }, "");
    window.addEventListener("popstate", () => this.moved());
    window.addEventListener("hashchange", () => this.number());
    window.addEventListener(
      "keydown",
      (event) => {
        const list = event.target instanceof Element && event.target.matches("[aria-haspopup=listbox][aria-expanded=true]");
        this.foreign = list || document.querySelector(FOREIGN) !== null;
      },
      true,
    );
    window.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.defaultPrevented || this.foreign || composing(event)) return;
      const top = this.open.at(-1);
      if (!top) return;
      event.preventDefault();
      if (!top.locked) top.close();
    });
  }

  private place(layer: Layer): void {
    if (!this.open.includes(layer)) return;
    const reuse = this.stale();
    if (!reuse) this.current += 1;
    layer.at = this.current;
    const state: Mark = { at: this.current, layer: layer.id, run: this.run };
    if (reuse) history.replaceState(state, "");
    else history.pushState(state, "");
  }

  /** An address was gone to: its entry gets its number. */
  private number(): void {
    if (mark().at !== undefined) return;
    this.current += 1;
    history.replaceState({ at: this.current }, "");
  }

  private moved(): void {
    this.leaving = false;
    const { at } = mark();
    if (at === undefined) this.number();
    else {
      const back = at < this.current;
      this.current = at;
      if (back) this.closeAbove(at);
    }
    if (this.stale()) this.back();
    else for (const job of this.waiting.splice(0)) job();
  }

  private closeAbove(at: number): void {
    const above = this.open.filter((layer) => layer.at > at && layer.at !== Number.POSITIVE_INFINITY);
    for (const layer of above.reverse()) {
      this.open.splice(this.open.indexOf(layer), 1);
      layer.close();
    }
  }

  /** Whether this entry is of a layer that is not there any more. */
  private stale(): boolean {
    const { layer, run } = mark();
    return layer !== undefined && (run !== this.run || !this.open.some((one) => one.id === layer));
  }

  private settle(): void {
    if (!this.leaving && this.stale()) this.back();
  }

  private back(): void {
    this.leaving = true;
    history.back();
  }
}

export const layers = new Layers();

/** Addresses in the hash, as wouter has them; gone to only when no step through the history is on its way. */
export const useAddress: typeof useHashLocation = Object.assign(
  (options?: Parameters<typeof useHashLocation>[0]): ReturnType<typeof useHashLocation> => {
    const [path, go] = useHashLocation(options);
    return [path, (...to: Parameters<typeof go>) => layers.whenSettled(() => go(...to))];
  },
  { hrefs: (address: string) => `#${address}` },
);
