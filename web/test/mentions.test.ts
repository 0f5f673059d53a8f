// Who is called by a text.
import { describe, expect, test } from "vitest";
import { marksIn, type MentionRange, mentionsOf, moved, type Nameable, rangesIn } from "../src/core/mentions";

const GROUP: Nameable[] = [
  { id: "na1", names: ["李娜", "nurse.li"] },
  { id: "na2", names: ["李娜", "li.na2"] },
  { id: "nana", names: ["李娜娜", "li.nana"] },
  { id: "smith", names: ["Hannah Smith", "h.smith"] },
  { id: "smithson", names: ["Hannah Smithson", "h.smithson"] },
  { id: "hannah", names: ["Hannah", "hannah"] },
  { id: "chen", names: ["陈立伟", "dr.chen"] },
  { id: "zoe", names: ["Zoë Müller", "zoe"] },
  { id: "anna", names: ["Анна", "anna.p"] },
  { id: "anne", names: ["Анна Мария", "anna.m"] },
];
const called = (text: string, ranges: MentionRange[] = []) => mentionsOf(text, ranges, GROUP);

describe("typed names", () => {
  test.each([
    ["@李娜娜", ["nana"]],
    ["请@李娜娜 看一下", ["nana"]],
    ["，@陈立伟，请会诊", ["chen"]],
    ["@Hannah Smith please", ["smith"]],
    ["@hannah smithson", ["smithson"]],
    ["@Hannah, and @Hannah Smithson.", ["hannah", "smithson"]],
    ["@Hannah Smithsonian", ["hannah"]],
    ["(@Zoë Müller)", ["zoe"]],
    ["@Анна Мария!", ["anne"]],
    ["@Анна: да", ["anna"]],
    ["@nurse.li and @li.na2", ["na1", "na2"]],
    ["@陈立伟@李娜娜", ["chen", "nana"]],
  ])("%s calls exactly whom it names", (text, ids) => {
    expect(called(text)).toEqual({ mentions: ids, open: [] });
  });

  test.each([
    "Please mail the form to referrals@allied-lab.example today",
    "mail@all.example",
    "mail@all",
    "first.last@everyone.example",
    "a_@all",
    "@allergy",
    "@alle",
    "@all-hands.example",
    "@everyones",
    "@所有人员",
    "x@所有人",
    "1@李娜娜",
    "@陈立伟大",
    "@Hannahs",
    "@Hannah-Marie",
    "@Annalena",
    "hannah@Hannah",
    "@@Hannah",
    "@ Hannah",
    "@",
  ])("%s calls nobody", (text) => {
    expect(called(text)).toEqual({ mentions: undefined, open: [] });
  });

  test.each(["@all", "@All: please", "@everyone!", "请@所有人，今晚开会", "@所有人 开会"])("%s calls everybody", (text) => {
    expect(called(text).mentions).toBe("all");
  });

  test("a name that two bear is asked about, not guessed", () => {
    const { mentions, open } = called("@李娜 and @陈立伟");
    expect(mentions).toEqual(["chen"]);
    expect(open).toEqual([{ from: 0, to: 3, name: "李娜", ids: ["na1", "na2"] }]);
  });
});

describe("chosen people", () => {
  test("who was chosen is called and nobody else, whatever stands beside the name", () => {
    const chosen = [{ from: 0, to: 3, id: "na2" }];
    expect(called("@李娜 来", chosen)).toEqual({ mentions: ["na2"], open: [] });
    expect(called("@李娜请看", chosen)).toEqual({ mentions: ["na2"], open: [] });
    // Who left the group meanwhile is not called.
    expect(called("@李娜 来", [{ from: 0, to: 3, id: "gone" }]).mentions).toBeUndefined();
  });

  test("their places move with the text, and go when the name is changed", () => {
    const at = (from: number) => [{ from, to: from + 3, id: "na2" }];
    expect(moved(at(0), "@李娜 来", "请@李娜 来")).toEqual(at(1));
    expect(moved(at(1), "请@李娜 来", "请@李娜 来吧")).toEqual(at(1));
    expect(moved(at(0), "@李娜", "@@李娜")).toEqual(at(1));
    expect(moved(at(0), "@李娜 来", "@李 来")).toEqual([]);
    expect(moved(at(0), "@李娜 来", "")).toEqual([]);
    expect(moved([...at(0), ...at(4)], "@李娜 @李娜", "@李娜 x @李娜")).toEqual([...at(0), ...at(6)]);
  });

  test("are found again in a message that is edited, two of one name in their order", () => {
    expect(rangesIn("@李娜 @李娜 hi", ["na1", "na2"], GROUP)).toEqual([
      { from: 0, to: 3, id: "na1" },
      { from: 4, to: 7, id: "na2" },
    ]);
    expect(rangesIn("@everyone now", "all", GROUP)).toEqual([{ from: 0, to: 9, id: "all" }]);
  });

  test("are marked by what is stored: not within an address, and in Chinese also where the next word touches", () => {
    const marks = (text: string, ...names: string[]) =>
      marksIn(text, names.map((name) => ({ id: name, name }))).map(({ from, to }) => text.slice(from, to));
    expect(marks("请@李娜看", "李娜")).toEqual(["@李娜"]);
    expect(marks("a@all.example and @all", "all")).toEqual(["@all"]);
    expect(marks("@Hannah Smith, @Hannah", "Hannah", "Hannah Smith")).toEqual(["@Hannah Smith", "@Hannah"]);
  });
});
