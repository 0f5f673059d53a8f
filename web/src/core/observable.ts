// A thing that can be watched. Everything that changed within one frame is told at once, so that a burst of events
// costs one drawing, not one for each.

/** Runs a job soon, once; a browser's is the next animation frame. */
export type Schedule = (job: () => void) => void;

const pending = new Set<Observable>();
let schedule: Schedule = (job) => queueMicrotask(job);
let planned = false;

/** Sets when changes are told. Hidden pages have no animation frames, so the browser's schedule falls back on a timer. */
export function setSchedule(next: Schedule): void {
  schedule = next;
}

function tell(): void {
  planned = false;
  const changed = [...pending];
  pending.clear();
  for (const one of changed) one.notify();
}

export class Observable {
  /** Grows with every change: the snapshot for `useSyncExternalStore`. */
  version = 0;
  private readonly listeners = new Set<() => void>();

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  readonly getVersion = (): number => this.version;

  notify(): void {
    for (const listener of [...this.listeners]) listener();
  }

  protected changed(): void {
    this.version += 1;
    pending.add(this);
    if (planned) return;
    planned = true;
    schedule(tell);
  }
}
