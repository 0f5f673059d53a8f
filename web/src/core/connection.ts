// The connection as a state machine: one State, one list of Transitions, one function. The driver below it does what a
// state wants done (open a link, sync, wait) and knows nothing of messages.
import type { ApiError } from "./api";
import type { Clock } from "./clock";
import { Observable } from "./observable";
import type { Link, Transport } from "./transport";

export type State =
  | { name: "idle" }
  | { name: "connecting"; attempt: number }
  | { name: "syncing"; attempt: number }
  | { name: "live"; attempt: number; since: number }
  | { name: "offline"; attempt: number; retryAt: number }
  | { name: "signedOut"; code: string };

export type Transition =
  | { type: "start" }
  | { type: "opened" }
  | { type: "synced" }
  | { type: "lost" }
  | { type: "refused"; code: string }
  /** The waiting time is over, or there is reason to expect that the connection works now. */
  | { type: "retry" }
  | { type: "stop" };

export const BACKOFF = { first: 500, cap: 30_000, settled: 10_000 } as const;

/** Codes of a refused handshake after which trying again with the same token is of no use. */
const FINAL = new Set(["AUTH_FAILED", "TOKEN_EXPIRED", "FORBIDDEN"]);

/** Milliseconds before the given attempt (0 is the first): doubling up to the cap, and half of it by chance. */
export function backoff(attempt: number, random: number): number {
  const whole = Math.min(BACKOFF.cap, BACKOFF.first * 2 ** Math.min(attempt, 16));
  return Math.round(whole / 2 + (whole / 2) * random);
}

/** The state after a transition; the same object when the transition means nothing in this state. */
export function next(state: State, transition: Transition, clock: Pick<Clock, "now" | "random">): State {
  const wait = (attempt: number): State => ({
    name: "offline",
    attempt,
    retryAt: clock.now() + backoff(attempt, clock.random()),
  });
  switch (transition.type) {
    case "start":
      return state.name === "idle" ? { name: "connecting", attempt: 0 } : state;
    case "opened":
      return state.name === "connecting" ? { name: "syncing", attempt: state.attempt } : state;
    case "synced":
      return state.name === "syncing" ? { name: "live", attempt: state.attempt, since: clock.now() } : state;
    case "lost":
      if (state.name === "connecting" || state.name === "syncing") return wait(state.attempt + 1);
      if (state.name !== "live") return state;
      // A connection that did not hold is no reason to hurry again.
      return wait(clock.now() - state.since >= BACKOFF.settled ? 0 : state.attempt + 1);
    case "refused":
      if (state.name !== "connecting") return state;
      return FINAL.has(transition.code) ? { name: "signedOut", code: transition.code } : wait(state.attempt + 1);
    case "retry":
      return state.name === "offline" ? { name: "connecting", attempt: state.attempt } : state;
    case "stop":
      return state.name === "signedOut" ? state : { name: "idle" };
  }
}

export interface Duties {
  /** Brings everything up to date over a link that just opened. Failing means that the link is of no use. */
  sync(link: Link): Promise<void>;
  event(name: string, payload: unknown): void;
}

/** How long a live link may be silent before it is asked whether it lives, and how long it may think, in ms. */
export const PROBE = { after: 20_000, within: 6_000 } as const;

export class Connection extends Observable {
  state: State = { name: "idle" };
  /** The open link, while syncing or live. */
  link: Link | null = null;
  private callOff: () => void = () => {};
  private heardAt = 0;

  constructor(
    private readonly transport: Transport,
    private readonly clock: Clock,
    private readonly duties: Duties,
  ) {
    super();
  }

  get live(): boolean {
    return this.state.name === "live";
  }

  dispatch(transition: Transition): void {
    const before = this.state;
    const after = next(before, transition, this.clock);
    if (after === before) return;
    this.state = after;
    this.callOff();
    this.callOff = () => {};
    this.enter(after);
    this.changed();
  }

  /** Asks a live link whether it still lives; a link that does not answer is given up. */
  async probe(): Promise<void> {
    const link = this.link;
    if (!link || !this.live) return;
    try {
      await link.ask("unread:count", null, PROBE.within);
    } catch (problem) {
      if ((problem as ApiError).code === "NETWORK") this.giveUp(link);
    }
  }

  /** The link did not do what it should: close it and begin again. */
  giveUp(link: Link): void {
    if (this.link === link) this.dispatch({ type: "lost" });
  }

  private enter(state: State): void {
    switch (state.name) {
      case "connecting":
        this.open();
        return;
      case "syncing":
        void this.sync();
        return;
      case "live":
        this.watch();
        return;
      case "offline":
        this.close();
        this.callOff = this.clock.after(Math.max(0, state.retryAt - this.clock.now()), () =>
          this.dispatch({ type: "retry" }),
        );
        return;
      case "idle":
      case "signedOut":
        this.close();
    }
  }

  private open(): void {
    this.close();
    const mine = (then: () => void) => {
      if (this.link === link) then();
    };
    const link: Link = this.transport({
      opened: () => mine(() => this.dispatch({ type: "opened" })),
      lost: () => mine(() => this.dispatch({ type: "lost" })),
      refused: (code) => mine(() => this.dispatch({ type: "refused", code })),
      event: (name, payload) =>
        mine(() => {
          this.heardAt = this.clock.now();
          this.duties.event(name, payload);
        }),
    });
    this.link = link;
  }

  private async sync(): Promise<void> {
    const link = this.link;
    if (!link) return;
    try {
      await this.duties.sync(link);
      if (this.link === link) this.dispatch({ type: "synced" });
    } catch {
      this.giveUp(link);
    }
  }

  private watch(): void {
    this.callOff = this.clock.after(PROBE.after, () => {
      const silent = this.clock.now() - this.heardAt >= PROBE.after;
      void (silent ? this.probe() : Promise.resolve()).then(() => {
        if (this.live) this.watch();
      });
    });
  }

  private close(): void {
    const link = this.link;
    this.link = null;
    link?.close();
  }
}
