import { describe, expect, test } from "vitest";
import { Attention, IDLE_AFTER_MS } from "../src/app/attention";
import type { Clock } from "../src/core/clock";

/** A clock and a window in the test's hand. */
function bench() {
  let now = 1_000_000;
  let plans: { at: number; then: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    random: () => 0,
    after(milliseconds, then) {
      const plan = { at: now + milliseconds, then };
      plans.push(plan);
      return () => {
        plans = plans.filter((one) => one !== plan);
      };
    },
  };
  const window = { visible: true, focused: true };
  const here = new Attention({ visible: () => window.visible, focused: () => window.focused }, clock);
  const told: string[] = [];
  here.subscribe(() => told.push(`${here.here} ${here.idle}`));
  return {
    here,
    window,
    told,
    /** Timers run, as while somebody's machine is awake. */
    pass(milliseconds: number) {
      now += milliseconds;
      const due = plans.filter((plan) => plan.at <= now);
      plans = plans.filter((plan) => plan.at > now);
      for (const plan of due) plan.then();
    },
    /** Time goes on and no timer runs, as while it sleeps. */
    sleep(milliseconds: number) {
      now += milliseconds;
    },
  };
}

describe("attention", () => {
  test("is there while the page is visible, in focus and touched", () => {
    const { here, window } = bench();
    expect(here.here).toBe(true);
    for (const [visible, focused] of [[false, true], [true, false], [false, false]] as const) {
      Object.assign(window, { visible, focused });
      expect(here.here).toBe(false);
    }
  });

  test("ends five minutes after the last touch and comes back with the next", () => {
    const { here, told, pass } = bench();
    pass(IDLE_AFTER_MS - 2_000);
    here.touched();
    pass(500);
    here.touched();
    pass(IDLE_AFTER_MS - 1);
    expect(here.here).toBe(true);
    pass(1);
    pass(1_000);
    expect(here.here).toBe(false);
    here.touched();
    expect(here.here).toBe(true);
    expect(told).toEqual(["false true", "true false"]);
  });

  test("a machine that slept wakes up unattended, a clock set back does not bring anybody here", () => {
    const { here, sleep, pass, window, told } = bench();
    sleep(8 * 3_600_000);
    expect(here.here).toBe(false);
    here.touched();
    expect(here.here).toBe(true);
    pass(IDLE_AFTER_MS);
    sleep(-3_600_000);
    expect(here.here).toBe(false);
    window.focused = false;
    here.touched();
    expect([here.here, here.idle]).toEqual([false, false]);
    expect(told.at(-1)).toBe("false false");
  });
});
