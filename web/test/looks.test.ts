// Pure pieces of the view, and promises between files that no compiler holds.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { ward } from "../src/app/theme";
import { SessionStore } from "../src/core/session-store";
import type { Message, SessionDocument } from "../src/core/wire";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { initials } from "../src/ui/common/Avatar";
import { marked } from "../src/ui/search/marked";
import { rowContext } from "../src/ui/thread/rows";

test("the palette in script is the one in the stylesheet", () => {
  const css = readFileSync(resolve(import.meta.dirname, "../src/app/styles/tokens.css"), "utf8");
  for (const [index, colour] of ward.entries()) expect(css).toContain(`--mantine-color-ward-${index}: ${colour};`);
});

test("both languages say the same things with the same blanks", () => {
  const blanks = (texts: object, path = ""): string[] =>
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === "object"
        ? blanks(value as object, `${path}${key}.`)
        : [`${path}${key} ${[...new Set((value as string).match(/{{\w+}}/g) ?? [])].sort().join(" ")}`],
    );
  expect(blanks(zh)).toEqual(blanks(en));
});

describe("initials", () => {
  test.each([
    ["李娜", "李娜"],
    ["欧阳明华", "明华"],
    ["Emily Brown", "EB"],
    ["Ana Maria de la Cruz", "AC"],
    ["admin", "A"],
    ["", ""],
  ])("%s → %s", (name, expected) => expect(initials(name)).toBe(expected));
});

describe("a highlight", () => {
  test("is text with marks, never HTML", () => {
    expect(marked("a &lt;b&gt; <mark>血钾</mark> &amp;amp; end")).toEqual([
      { text: "a <b> ", marked: false },
      { text: "血钾", marked: true },
      { text: " &amp; end", marked: false },
    ]);
    expect(marked("<img src=x onerror=alert(1)><mark>x")).toEqual([
      { text: "<img src=x onerror=alert(1)>", marked: false },
      { text: "x", marked: false },
    ]);
  });
});

describe("rows of a conversation", () => {
  const document = {
    _id: "s",
    participants: ["me", "you"],
    seq: 3,
    rev: 0,
    unreadCount: {},
    sessionType: "private",
  } as unknown as SessionDocument;
  const message = (seq: number, sender: string, createdAt: string) =>
    ({ _id: `m${seq}`, seq, rev: 0, sender, createdAt, sessionId: "s", readBy: [] }) as unknown as Message;

  test("stand together by person and time, and each day begins with its name", () => {
    const session = new SessionStore(document, "me");
    const all = [
      message(1, "you", "2026-03-05T07:00:00.000Z"),
      message(2, "you", "2026-03-05T07:01:00.000Z"),
      message(3, "you", "2026-03-05T07:20:00.000Z"),
      message(4, "me", "2026-03-05T07:20:10.000Z"),
      message(5, "me", "2026-03-07T07:20:20.000Z"),
    ];
    for (const one of all) session.applyMessage(one);
    const rows = all.map((one) => rowContext(session, one.seq, one, undefined, "me"));
    expect(rows.map((row) => row.lead)).toEqual([true, false, true, true, true]);
    expect(rows.map((row) => row.day !== null)).toEqual([true, false, false, false, true]);
  });
});
