// Pure pieces of the administrators' pages.
import { describe, expect, test } from "vitest";
import { AUDIT_PAGE, cursorOf, detailsOf } from "../src/admin/audit/entries";
import { localised } from "../src/admin/parts/csv";
import { bucket, span } from "../src/admin/parts/format";
import { en } from "../src/admin/texts/en";
import { zh } from "../src/admin/texts/zh";
import type { Translate } from "../src/admin/texts";
import { difference, suggestPassword } from "../src/admin/users/accounts";
import type { User } from "../src/core/api";

test("both languages say the same things with the same blanks", () => {
  const blanks = (texts: object, path = ""): string[] =>
    Object.entries(texts).flatMap(([key, value]) =>
      typeof value === "object"
        ? blanks(value as object, `${path}${key}.`)
        : [`${path}${key} ${[...new Set((value as string).match(/{{\w+}}/g) ?? [])].sort().join(" ")}`],
    );
  expect(blanks(zh)).toEqual(blanks(en));
});

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe("a span of time", () => {
  const t = ((key: string, blanks: Record<string, number> = {}) =>
    (en.time as Record<string, string>)[key.replace("time.", "")]?.replace(/{{(\w+)}}/g, (_, name) => String(blanks[name]))) as unknown as Translate;

  test.each([
    [null, "–"],
    [undefined, "–"],
    [0, "0 s"],
    [1, "1 s"],
    [59_400, "59 s"],
    [59_600, "1 min"],
    [3 * MINUTE + 5_000, "3 min 5 s"],
    [12 * MINUTE + 40_000, "13 min"],
    [HOUR - 400, "1 h"],
    [2 * HOUR + 29 * MINUTE + 40_000, "2 h 30 min"],
    [HOUR + 59 * MINUTE + 50_000, "2 h"],
    [47 * HOUR, "47 h"],
    [72 * HOUR, "3 d"],
  ])("%s ms is %s", (milliseconds, words) => {
    expect(span(milliseconds, t)).toBe(words);
  });
});

test("a period is named in the hospital's time zone, whatever the reader's", () => {
  const midnight = "2026-11-20T16:00:00.000Z";
  expect(bucket(midnight, "day", false, "en-GB", "Asia/Shanghai")).toBe("21 Nov");
  expect(bucket(midnight, "day", false, "en-GB", "UTC")).toBe("20 Nov");
  expect(bucket(midnight, "hour", true, "en-GB", "Asia/Shanghai")).toBe("00:00");
});

test("only what was touched is written", () => {
  const user = { realName: "Li Na", role: "nurse", department: "ICU", title: "", email: "", phone: "555" } as User;
  const same = { realName: "Li Na", role: "nurse", department: "ICU", title: "", email: "", phone: "555" } as const;
  expect(difference(user, same)).toEqual({});
  expect(difference(user, { ...same, department: "", role: "doctor" })).toEqual({ department: "", role: "doctor" });
});

test("a suggested password can be read aloud and is never the same", () => {
  const made = Array.from({ length: 200 }, suggestPassword);
  for (const one of made) expect(one).toMatch(/^[a-hjkmnp-z2-9]{4}(-[a-hjkmnp-z2-9]{4}){3}$/);
  expect(new Set(made).size).toBe(made.length);
});

test("a table has headings in the reader's language, and seconds", () => {
  const name = (field: string) => (({ start: "时间", responseMedianMs: "中位数（秒）" }) as Record<string, string>)[field] ?? field;
  const csv = '\uFEFFstart,responseMedianMs,note\r\n2026-03-01,61500,"a ""b"", c\nd"\r\n2026-03-02,,\'=1+1\r\n';
  expect(localised(csv, name)).toBe('\uFEFF时间,中位数（秒）,note\r\n2026-03-01,61.5,"a ""b"", c\nd"\r\n2026-03-02,,\'=1+1\r\n');
  for (const [own, other] of [[en, zh], [zh, en]] as const) expect(Object.keys(own.column)).toEqual(Object.keys(other.column));
});

test("an entry on record says what was changed, whatever else is in it", () => {
  const entry = {
    _id: "1", at: "2026-03-01T00:00:00.000Z", action: "user.change", actor: "a", subject: "b", requestId: "r",
    changes: { role: { from: "nurse", to: "doctor" }, isActive: { from: true, to: false } }, fields: ["email", "phone"], none: null,
  };
  expect(detailsOf(entry)).toEqual([
    ["role", "nurse → doctor"],
    ["isActive", "true → false"],
    ["fields", "email, phone"],
    ["requestId", "r"],
  ]);
  const values = (value: string) => (en.audit.values as Record<string, string>)[value] ?? value;
  const told = { ...entry, fields: undefined, outcome: "refused", gateway: "command", count: 4 };
  expect(detailsOf(told, values)).toEqual([
    ["role", "Nurse → Doctor"],
    ["isActive", "yes → no"],
    ["outcome", "refused"],
    ["gateway", "command line"],
    ["count", "4"],
    ["requestId", "r"],
  ]);
  // What all say alike is left out.
  expect(detailsOf({ ...told, changes: null, outcome: "done", gateway: "chat", count: 1 })).toEqual([["requestId", "r"]]);
  for (const [own, other] of [[en, zh], [zh, en]] as const) {
    expect(Object.keys(own.audit.acts)).toEqual(Object.keys(other.audit.acts));
    expect(Object.keys(own.audit.values)).toEqual(Object.keys(other.audit.values));
  }
  const page = (count: number, pagination?: object) => ({ data: Array.from({ length: count }, (_, n) => ({ ...entry, _id: String(n) })), pagination }) as never;
  expect(cursorOf(page(AUDIT_PAGE))).toBe(String(AUDIT_PAGE - 1));
  expect(cursorOf(page(3))).toBe("");
  expect(cursorOf(page(3, { hasMore: true, next: "n" }))).toBe("n");
  expect(cursorOf(page(AUDIT_PAGE, { hasMore: false }))).toBe("");
});
