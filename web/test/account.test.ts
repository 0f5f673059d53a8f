// What a page says of passwords and of fields that were refused.
import { describe, expect, test } from "vitest";
import type { TFunction } from "i18next";
import { failure } from "../src/core/api";
import { en } from "../src/i18n/en";
import { zh } from "../src/i18n/zh";
import { acceptable, verdict } from "../src/ui/account/strength";
import { fieldSentence } from "../src/ui/common/fields";

describe("a new password", () => {
  test.each([
    ["", "empty"],
    ["short", "short"],
    ["x".repeat(129), "long"],
    ["nurse.li", "name"],
    ["il.esrun", "name"],
    ["12345678", "simple"],
    ["11111111", "simple"],
    ["password", "simple"],
    ["Password1", "simple"],
    ["qwertyuiop", "simple"],
    ["abcdefgh", "simple"],
    ["wardline1", "simple"],
    ["four-dogs-eat-cheese", "good"],
    ["kT9$vr2!mQ", "fair"],
    ["三月七日下雨天打针", "weak"],
  ])("%s is %s", (password, expected) => {
    const judged = verdict(password, ["nurse.li", "李娜"]);
    expect(judged).toBe(expected);
    expect(acceptable(judged)).toBe(["weak", "fair", "good"].includes(expected));
  });
});

describe("a refused field", () => {
  const words = (language: typeof en) =>
    ((key: string, blanks: Record<string, unknown> = {}) =>
      (language.field as Record<string, string>)[key.replace("field.", "")]?.replace(/{{(\w+)}}/g, (_, name: string) => String(blanks[name]))) as unknown as TFunction;

  test("is told in the reader's language, by code or without one", () => {
    const t = words(zh as typeof en);
    expect(fieldSentence("EMAIL", "must be an e-mail address", t)).toBe("邮箱格式不正确。");
    expect(fieldSentence(undefined, "must be an e-mail address", t)).toBe("邮箱格式不正确。");
    expect(fieldSentence("TOO_LONG", "must have at most 64 characters", t)).toBe("最多 64 个字符。");
    expect(fieldSentence("SOMETHING_NEW", "must dance", t)).toBe("此项无效。");
    expect(fieldSentence("LENGTH", "must have 8 to 128", t, { LENGTH: "自己的话" })).toBe("自己的话");
    expect(fieldSentence("REQUIRED", "", words(en))).toBe("Please fill this in.");
  });

  test("comes with its code out of the envelope", () => {
    const refused = failure({ code: "VALIDATION_FAILED", message: "x", details: { email: "y" }, fieldCodes: { email: "EMAIL" } }, 400);
    expect(refused.fieldCodes.email).toBe("EMAIL");
    expect(failure({}, 500).fieldCodes).toEqual({});
  });
});
