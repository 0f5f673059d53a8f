// What a clipboard means that holds one thing in several forms.
import { describe, expect, test } from "vitest";
import { asTextFile, lengthOf } from "../src/ui/composer/text";
import { means } from "../src/ui/composer/usePaste";

const picture = () => new File([Uint8Array.of(1)], "image.png", { type: "image/png" });
const report = () => new File(["x"], "report 报告.pdf", { type: "application/pdf" });

describe("a paste", () => {
  test.each([
    ["cells", { text: "K\t4.1\nNa\t140", html: "<table><tr><td>K</td></tr></table>", files: [picture()] }, "text"],
    ["rich text with a picture in it", { text: "see below", html: "<p>see below <img src=x></p>", files: [picture()] }, "text"],
    ["text alone", { text: "hello", html: "", files: [] }, "text"],
    ["a sentence that ends in a name", { text: "see report 报告.pdf", html: "", files: [report()] }, "text"],
    ["a screenshot", { text: "", html: "", files: [picture()] }, "files"],
    ["a picture of a page", { text: "", html: "<meta charset='utf-8'><img src='https://x/y.png'>", files: [picture()] }, "files"],
    ["a picture of a page with its address", { text: "https://x/y.png", html: "<img src='https://x/y.png'>", files: [picture()] }, "files"],
    ["a file with its name", { text: "report 报告.pdf", html: "", files: [report()] }, "files"],
    ["a file with its place", { text: "file:///home/li/report%20%E6%8A%A5%E5%91%8A.pdf", html: "", files: [report()] }, "files"],
    ["two files with their places", { text: "C:\\a\\report 报告.pdf\r\nC:\\a\\image.png", html: "", files: [report(), picture()] }, "files"],
  ] as const)("of %s is that", (_what, clipboard, meant) => {
    expect(means(clipboard)).toBe(meant);
  });

  test("is counted as the service counts, and becomes a file under the time", async () => {
    expect(lengthOf("心电图👍🏽a")).toBe(6);
    expect(lengthOf("𠮷".repeat(100_000))).toBe(100_000);
    const file = asTextFile("  K\t4.1", new Date(2026, 2, 5, 7, 4));
    expect([file.name, file.type, await file.text()]).toEqual(["text-20260305-0704.txt", "text/plain", "  K\t4.1"]);
  });
});
