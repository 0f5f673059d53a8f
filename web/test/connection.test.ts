import { describe, expect, test } from "vitest";
import { ApiError } from "../src/core/api";
import type { Clock } from "../src/core/clock";
import { BACKOFF, backoff, Connection, next, type State, type Transition } from "../src/core/connection";
import type { Link, LinkListener } from "../src/core/transport";

const clock = { now: () => 1_000_000, random: () => 0.5 };
const go = (state: State, ...transitions: Transition[]) =>
  transitions.reduce((now, one) => next(now, one, clock), state);
const IDLE: State = { name: "idle" };

describe("the state machine", () => {
  test("connects, syncs, is live", () => {
    const live = go(IDLE, { type: "start" }, { type: "opened" }, { type: "synced" });
    expect(live).toEqual({ name: "live", attempt: 0, since: 1_000_000 });
  });

  test("a lost connection waits, and the next one begins with a sync again", () => {
    const offline = go(IDLE, { type: "start" }, { type: "opened" }, { type: "lost" });
    expect(offline).toEqual({ name: "offline", attempt: 1, retryAt: 1_000_000 + backoff(1, 0.5) });
    expect(go(offline, { type: "retry" }, { type: "opened" })).toEqual({ name: "syncing", attempt: 1 });
  });

  test("what was live for long comes back at once; what flaps waits longer and longer", () => {
    const settled: State = { name: "live", attempt: 4, since: 1_000_000 - BACKOFF.settled };
    const flapping: State = { name: "live", attempt: 4, since: 1_000_000 - 10 };
    expect(go(settled, { type: "lost" })).toMatchObject({ name: "offline", attempt: 0 });
    expect(go(flapping, { type: "lost" })).toMatchObject({ name: "offline", attempt: 5 });
  });

  test("a refused token ends it, a refusal for load does not", () => {
    const connecting = go(IDLE, { type: "start" });
    expect(go(connecting, { type: "refused", code: "TOKEN_EXPIRED" })).toEqual({
      name: "signedOut",
      code: "TOKEN_EXPIRED",
    });
    expect(go(connecting, { type: "refused", code: "RATE_LIMITED" })).toMatchObject({ name: "offline", attempt: 1 });
  });

  test("a transition that means nothing changes nothing", () => {
    for (const type of ["opened", "synced", "lost", "retry"] as const) expect(go(IDLE, { type })).toBe(IDLE);
    const out: State = { name: "signedOut", code: "AUTH_FAILED" };
    for (const type of ["start", "opened", "lost", "retry", "stop"] as const) expect(go(out, { type })).toBe(out);
  });

  test("the back-off doubles, is capped, and half of it is chance", () => {
    expect([0, 1, 2, 3].map((attempt) => backoff(attempt, 1))).toEqual([500, 1_000, 2_000, 4_000]);
    expect(backoff(50, 1)).toBe(BACKOFF.cap);
    expect(backoff(3, 0)).toBe(2_000);
  });
});

/** A clock that stands still until it is told to go. */
class HandClock implements Clock {
  private at = 0;
  private readonly plans: { at: number; then: () => void }[] = [];
  now = () => this.at;
  random = () => 1;
  after(milliseconds: number, then: () => void): () => void {
    const plan = { at: this.at + milliseconds, then };
    this.plans.push(plan);
    return () => {
      const index = this.plans.indexOf(plan);
      if (index >= 0) this.plans.splice(index, 1);
    };
  }
  async pass(milliseconds: number): Promise<void> {
    const end = this.at + milliseconds;
    for (;;) {
      const due = this.plans.filter((plan) => plan.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.at = due.at;
      this.plans.splice(this.plans.indexOf(due), 1);
      due.then();
      await new Promise((resume) => setImmediate(resume));
    }
    this.at = end;
  }
}

describe("the driver", () => {
  const setting = () => {
    const time = new HandClock();
    const links: { listener: LinkListener; closed: boolean; answers: boolean }[] = [];
    const connection = new Connection(
      (listener) => {
        const one = { listener, closed: false, answers: true };
        links.push(one);
        const link: Link = {
          ask: async () => {
            if (!one.answers) throw new ApiError("NETWORK", "network", 0);
            return {} as never;
          },
          tell: () => {},
          close: () => {
            one.closed = true;
          },
        };
        return link;
      },
      time,
      { sync: async () => {}, event: () => {} },
    );
    return { time, links, connection };
  };

  test("opens one link at a time and closes what it gives up", async () => {
    const { time, links, connection } = setting();
    connection.dispatch({ type: "start" });
    links[0]?.listener.opened();
    await time.pass(0);
    await Promise.resolve();
    expect(connection.state.name).toBe("live");
    links[0]?.listener.lost();
    expect(connection.state.name).toBe("offline");
    expect(links[0]?.closed).toBe(true);
    await time.pass(BACKOFF.cap);
    expect(links.length).toBe(2);
    links[0]?.listener.opened();
    expect(connection.state.name, "a word of an old link counts for nothing").toBe("connecting");
  });

  test("a silent link is asked, and given up when it does not answer", async () => {
    const { time, links, connection } = setting();
    connection.dispatch({ type: "start" });
    links[0]?.listener.opened();
    await time.pass(0);
    await Promise.resolve();
    await time.pass(60_000);
    expect(connection.state.name).toBe("live");
    for (const link of links) link.answers = false;
    await time.pass(25_000);
    expect(connection.state.name).not.toBe("live");
    expect(links[0]?.closed).toBe(true);
  });
});
