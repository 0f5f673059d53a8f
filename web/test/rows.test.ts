// Small rules of message rows and members.
import { expect, test } from "vitest";
import { byName } from "../src/core/people";
import type { Message } from "../src/core/wire";
import { FITTING, LARGEST, moved, scaled } from "../src/ui/viewer/zoom";
import { RECALL_MS, recallable } from "../src/ui/message/recall";

test("unsending is offered only while it is possible", () => {
  const now = Date.parse("2026-03-05T07:10:00.000Z");
  const at = (age: number, more: Partial<Message> = {}) => ({ createdAt: new Date(now - age).toISOString(), ...more }) as Message;
  expect(recallable(at(0), now)).toBe(true);
  expect(recallable(at(RECALL_MS - 1), now)).toBe(true);
  expect(recallable(at(RECALL_MS), now)).toBe(false);
  expect(recallable(at(0, { isDeleted: true }), now)).toBe(false);
});

test("names are in the order of their numbers", () => {
  expect(["Ward 100", "Ward 1", "Ward 10", "ward 2", "李娜"].sort(byName)).toEqual(["Ward 1", "ward 2", "Ward 10", "Ward 100", "李娜"]);
});

test("a picture is zoomed about the point under the pointer, and never lost", () => {
  const near = scaled(FITTING, 2, { x: 100, y: -50 });
  expect(near).toEqual({ scale: 2, x: -100, y: 50, turns: 0 });
  expect(scaled(near, 0.1)).toEqual(FITTING);
  expect(scaled(FITTING, 1_000).scale).toBe(LARGEST);
  expect(moved(near, { x: -10_000, y: 10_000 }, { width: 400, height: 300 })).toMatchObject({ x: -200, y: 150 });
  expect(moved(FITTING, { x: 50, y: 50 }, { width: 400, height: 300 })).toBe(FITTING);
});
