// What in a text can be opened or called, and what only looks like it.
import { describe, expect, test } from "vitest";
import { visibleName } from "../src/ui/common/names";
import { beginning } from "../src/ui/message/folding";
import { pieces, telephone } from "../src/ui/message/links";

const links = (text: string) =>
  pieces(text)
    .filter((one) => one.href)
    .map((one) => [one.text, one.href]);
const same = (text: string, href = text) => [[text, href]];

describe("web addresses", () => {
  test.each([
    ["see https://en.wikipedia.org/wiki/Potassium_(medicine).", same("https://en.wikipedia.org/wiki/Potassium_(medicine)")],
    ["(https://ward.example/a_(b))", same("https://ward.example/a_(b)")],
    ["(see https://ward.example/a)", same("https://ward.example/a")],
    ["见https://ward.example/a，谢谢", same("https://ward.example/a")],
    ["HTTPS://Ward.Example/A", same("HTTPS://Ward.Example/A", "https://ward.example/A")],
    ["www.ward.example/x?y=1,", same("www.ward.example/x?y=1", "https://www.ward.example/x?y=1")],
    ["https://аррӏе.com/login", same("https://xn--80ak6aa92e.com/login", "https://xn--80ak6aa92e.com/login")],
    ["https://gооgle.com", same("https://xn--ggle-55da.com", "https://xn--ggle-55da.com/")],
    ["https://医院.中国/", same("https://医院.中国/", "https://xn--ekrs67m.xn--fiqs8s/")],
    ["https://bank.example@evil.example/", []],
    ["https://bank.example\\@evil.example/", []],
    ["https://good.example/\u202egnp.exe", same("https://good.example/")],
    ["awww.no and hotwww.x.y", []],
    ["javascript:alert(1) data:text/html,x https://", []],
  ])("%s", (text, expected) => expect(links(text)).toEqual(expected));
});

describe("e-mail addresses", () => {
  test.each([
    ["Please mail the form to referrals@allied-lab.example today", same("referrals@allied-lab.example", "mailto:referrals@allied-lab.example")],
    ["请发到 a.b+c@ward.example。", same("a.b+c@ward.example", "mailto:a.b+c@ward.example")],
    ["@李娜 and a@b and x@y@z.example", []],
  ])("%s", (text, expected) => expect(links(text)).toEqual(expected));
});

describe("telephone numbers", () => {
  test.each([
    ["Call +44 20 7946 0958 now", same("+44 20 7946 0958", "tel:+442079460958")],
    ["手机13812345678。", same("13812345678", "tel:13812345678")],
    ["0755-8345 6789 转 8012", same("0755-8345 6789 转 8012", "tel:075583456789;ext=8012")],
    ["(0755) 83456789", same("(0755) 83456789", "tel:075583456789")],
    ["020-83456789分机8012", same("020-83456789分机8012", "tel:02083456789;ext=8012")],
    ["ring ext. 4021 or 分机 8012, 内线：3456", [["ext. 4021", "tel:4021"], ["分机 8012", "tel:8012"], ["内线：3456", "tel:3456"]]],
    ["the lab: 555-0134", same("555-0134", "tel:5550134")],
    ["电话号码：62345678", same("62345678", "tel:62345678")],
    ["手机号：13912345678", same("13912345678", "tel:13912345678")],
  ])("%s", (text, expected) => expect(links(text)).toEqual(expected));

  test.each([
    "Heparin 1000000 IU", "青霉素 8000000 单位", "1234567 mg", "500-1000 mg", "2026-11-30 14:00", "30.11.2026", "20261130", "202611301405",
    "MRN-1234567", "MRN 1234567", "MRN: 1234567", "住院号：1234567", "病历号 20261234", "#1234567", "ID 1234567", "A1234567", "1234567B",
    "440301199001011234", "12345678901234", "120 80 75 36", "1.2345678", "0.0000001", "1,234,567", "10:30:00 1234", "text 8012", "next 8012",
    "context 80123", "bed 12, ward 3", "999999", "v1.2.3.4567890", "https://x.example/13812345678", "a13812345678@x",
  ])("%s is none", (text) => expect(links(text).filter(([, href]) => href?.startsWith("tel:"))).toEqual([]));

  test.each([
    ["+86 755 8345 6789", "tel:+8675583456789"],
    ["8012", "tel:8012"],
    ["0755-83456789 转 8012", "tel:075583456789;ext=8012"],
    ["", ""],
    ["–", ""],
  ])("in a profile: %s", (number, href) => expect(telephone(number)).toBe(href));
});

test("the pieces are the whole text, however odd and long it is", () => {
  const odd = `\u0000${"(".repeat(500)}https://${"a".repeat(3_000)} ${"1 ".repeat(3_000)}@@..--${"+".repeat(99)}`;
  expect(pieces(odd).map((one) => one.text).join("")).toBe(odd);
  expect(pieces("")).toEqual([]);
});

describe("a long text", () => {
  test("is folded between words, and a short one is not", () => {
    expect(beginning("short")).toBe("short");
    const long = "word ".repeat(1_600);
    expect(long.startsWith(beginning(long))).toBe(true);
    expect(beginning(long).length).toBeLessThan(1_700);
    expect(beginning(long)).toMatch(/word$/);
    expect(beginning("一".repeat(8_000)).length).toBeLessThan(1_700);
    expect(beginning("\u{1F600}".repeat(4_000))).not.toMatch(/[\ud800-\udbff]$/u);
    expect(beginning("a\n".repeat(200)).split("\n").length).toBeLessThan(30);
    expect(beginning("a\n".repeat(25))).toBe("a\n".repeat(25));
  });
});

test("a file's name shows what it is", () => {
  expect(visibleName("list\u202efdp.exe")).toBe("listfdp.exe");
  expect(visibleName("扫描 结果.pdf")).toBe("扫描 结果.pdf");
});
