// Pure pieces of the administrators' pages.
import { describe, expect, test } from "vitest";
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
