// The words of both languages: one term for a thing, and blanks where they belong in what is filled in.
import i18next from "i18next";
import { describe, expect, test } from "vitest";
import { en as adminEn } from "../src/admin/texts/en";
import { zh as adminZh } from "../src/admin/texts/zh";
import { en } from "../src/i18n/en";
import { MARKING, SPACING } from "../src/i18n";
import { marked, spaced } from "../src/i18n/spacing";
import { zh } from "../src/i18n/zh";

function sentences(texts: object, path = ""): [string, string][] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "object" ? sentences(value as object, `${path}${key}.`) : [[`${path}${key}`, value as string] as [string, string]],
  );
}

describe("a Chinese sentence with something filled in", () => {
  const filled = (template: string, ...values: unknown[]) =>
    spaced(template.replace(/{}/g, () => marked(values.shift())), true);
  test.each([
    ["给{}发消息", ["李娜"], "给李娜发消息"],
    ["给{}发消息", ["Hannah Smith"], "给 Hannah Smith 发消息"],
    ["编辑 {}", ["李娜"], "编辑李娜"],
    ["编辑 {}", ["Ada"], "编辑 Ada"],
    ["{} 条消息", [3], "3 条消息"],
    ["{}邀请{}加入群聊", ["您", "Ada、李娜"], "您邀请 Ada、李娜加入群聊"],
    ["{}将{}设为{}", ["李娜", "dr.chen", "群主"], "李娜将 dr.chen 设为群主"],
    ["{}（{}）", ["Ada", "ICU"], "Ada（ICU）"],
    ["群名改为“{}”", ["Ward 3"], "群名改为“Ward 3”"],
    ["上传中 {}%", [50], "上传中 50%"],
    ["{}：{}", ["李娜", "  Bed 4  ok"], "李娜：  Bed 4  ok"],
    ["{}{}", ["张san", "3床"], "张san3床"],
    ["{} 个私聊 · {} 个群聊", [18, 10], "18 个私聊 · 10 个群聊"],
    ["第 90 百分位 {} · 7 天内", ["2 小时 18 分"], "第 90 百分位 2 小时 18 分 · 7 天内"],
  ])("%s with %o is %s", (template, values, expected) => expect(filled(template, ...values)).toBe(expected));

  test("is so through the library, and English stays as written", async () => {
    const i18n = i18next.createInstance();
    await i18n
      .use(MARKING)
      .use(SPACING)
      .init({
        lng: "zh",
        resources: { zh: { translation: zh }, en: { translation: en } },
        interpolation: { escapeValue: false, alwaysFormat: true },
        postProcess: ["spacing"],
      });
    expect(i18n.t("directory.message", { name: "Ada" })).toBe("给 Ada 发消息");
    expect(i18n.t("directory.message", { name: "李娜" })).toBe("给李娜发消息");
    expect(i18n.t("list.unread", { count: 3 })).toBe("3 条未读消息");
    await i18n.changeLanguage("en");
    expect(i18n.t("directory.message", { name: "李娜" })).toBe("Write to 李娜");
    expect(i18n.t("list.unread", { count: 1 })).toBe("1 unread message");
    for (const [key] of sentences(en)) expect(i18n.t(key, { defaultValue: "" })).not.toMatch(/[\uE000\uE001]/);
  });
});

const ALL_ZH = [...sentences(zh), ...sentences(adminZh, "admin.")];
const ALL_EN = [...sentences(en), ...sentences(adminEn, "admin.")];

test.each([
  ["职工", "员工"],
  ["群组", "群聊"],
  ["职称", "职务"],
  ["已静音", "消息免打扰"],
  ["书写", "输入"],
  ["生成一个", "生成密码"],
  ["90% 在", "第 90 百分位"],
])("in Chinese nothing is called %s (it is %s)", (word) => {
  expect(ALL_ZH.filter(([, text]) => text.includes(word))).toEqual([]);
});

test("Chinese has Chinese punctuation", () => {
  expect(ALL_ZH.filter(([, text]) => /[\p{Script=Han}}][:;!?,](?!\/)/u.test(text) || /\([^)]*\p{Script=Han}/u.test(text))).toEqual([]);
  expect(ALL_ZH.filter(([key, text]) => !key.startsWith("admin.time") && /(?<!第) ?(?<!第 )90 百分位/.test(text))).toEqual([]);
});

test.each([
  "Take back", "took back", "Do not reply", "Do not edit", "As the system", "This browser has none", "Anybody", "Since", "last own message",
  "That did not work", "too late for this", "Days and hours of", "90% within", "E-mail", "see the past", "Suggest one",
])("in English nobody reads «%s»", (words) => {
  expect(ALL_EN.filter(([, text]) => text.includes(words))).toEqual([]);
});
