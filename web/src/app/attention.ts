// Whether the user looks at the page: it is visible, its window has the focus, and the user is not idle. Read receipts,
// notifications and presence depend on it. A false "read" is worse than none: the sender stops calling.
import { type Clock, systemClock } from "../core/clock";

export const IDLE_AFTER_MS = 5 * 60_000;

const TOUCHES = ["pointerdown", "pointermove", "keydown", "wheel", "touchstart", "touchmove", "input"] as const;
/** How often a touch sets the timer anew: the mouse moves a hundred times a second. */
const REMEMBER_EVERY_MS = 1_000;

/** What a browser's window says of itself; a stand-in in tests. */
export interface Screen {
  visible(): boolean;
  focused(): boolean;
}

const browserScreen: Screen = {
  visible: () => document.visibilityState === "visible",
  focused: () => document.hasFocus(),
};

export class Attention {
  private readonly listeners = new Set<() => void>();
  private readonly touchListeners = new Set<() => void>();
  private touchedAt: number;
  private countedFrom = Number.NEGATIVE_INFINITY;
  private callOff: () => void = () => {};
  /** The timer ran out since the last touch. */
  private lapsed = false;
  private told: { here: boolean; idle: boolean };

  constructor(
    private readonly screen: Screen = browserScreen,
    private readonly clock: Clock = systemClock,
  ) {
    this.touchedAt = clock.now();
    this.told = { here: this.here, idle: false };
    this.count();
  }

  /** Whether the user looks at this window just now. */
  get here(): boolean {
    return this.screen.visible() && this.screen.focused() && !this.idle;
  }

  /** Nobody touched anything here for five minutes; judged by the clock, since timers stand still while a machine sleeps. */
  get idle(): boolean {
    const since = this.clock.now() - this.touchedAt;
    // A clock that was set back says nothing about the person; the timer does.
    return this.lapsed || since >= IDLE_AFTER_MS;
  }

  /** Milliseconds since the last touch. */
  get untouched(): number {
    return Math.max(0, this.clock.now() - this.touchedAt);
  }

  /** Calls at once when attention, or idleness, comes or goes. */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Calls before a touch counts, at most once a second. */
  readonly onTouch = (listener: () => void): (() => void) => {
    this.touchListeners.add(listener);
    return () => this.touchListeners.delete(listener);
  };

  /** A person did something here. */
  touched(): void {
    const now = this.clock.now();
    const counts = this.idle || Math.abs(now - this.countedFrom) >= REMEMBER_EVERY_MS;
    if (!counts) {
      this.touchedAt = now;
      return;
    }
    for (const listener of [...this.touchListeners]) listener();
    this.touchedAt = now;
    this.lapsed = false;
    this.count();
    this.check();
  }

  /** Something about the window may have changed. */
  readonly check = (): void => {
    const now = { here: this.here, idle: this.idle };
    if (now.here === this.told.here && now.idle === this.told.idle) return;
    this.told = now;
    for (const listener of [...this.listeners]) listener();
  };

  private count(): void {
    this.countedFrom = this.clock.now();
    this.wait(IDLE_AFTER_MS);
  }

  private wait(milliseconds: number): void {
    this.callOff();
    this.callOff = this.clock.after(milliseconds, () => {
      // Touches within a second of the last one did not set the timer anew.
      const left = IDLE_AFTER_MS - this.untouched;
      if (left > 0 && left <= REMEMBER_EVERY_MS) return this.wait(left);
      this.lapsed = true;
      this.check();
    });
  }
}

let shared: Attention | undefined;

/** This window's. */
export function attention(): Attention {
  if (shared) return shared;
  const made = new Attention();
  shared = made;
  let at = "";
  const touched = (event: Event) => {
    if (event.type === "pointermove") {
      // What moves under a mouse that lies still is told as a movement, too.
      const { screenX, screenY } = event as PointerEvent;
      const place = `${screenX},${screenY}`;
      if (place === at) return;
      at = place;
    }
    made.touched();
  };
  for (const name of TOUCHES) window.addEventListener(name, touched, { passive: true, capture: true });
  for (const name of ["focus", "blur", "pageshow", "pagehide"]) window.addEventListener(name, made.check);
  for (const name of ["visibilitychange", "freeze", "resume"]) document.addEventListener(name, made.check);
  return made;
}
