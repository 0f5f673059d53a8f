// Whatever lies over a conversation goes away with one Escape, or one Back, and takes nothing else with it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, expect, settled, signIn, until } from "./support.mjs";
import { bubbles, composer, live } from "./ward.mjs";

const first = (page) => page.getByRole("button").filter({ hasText: "马丽" }).first();
const dialog = (page, name) => page.getByRole("dialog", { name });
const focused = (page) => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.tagName);

async function menuItem(page, name) {
  await bubbles(page).last().click({ button: "right" });
  await page.getByRole("menuitem", { name, exact: true }).click();
}

/** How each layer comes, and what shows that it is there. */
const LAYERS = {
  settings: [(page) => page.getByRole("button", { name: "Settings" }).click(), (page) => dialog(page, "Settings"), "wide"],
  search: [(page) => page.getByRole("button", { name: "Search messages" }).click(), (page) => page.getByRole("complementary", { name: "Search messages" }), "wide"],
  details: [(page) => page.getByRole("button", { name: "Details of the conversation" }).click(), (page) => page.getByRole("complementary").last()],
  emoji: [(page) => page.getByRole("button", { name: "Insert an emoji" }).click(), (page) => dialog(page, "Insert an emoji")],
  "the menu of a message": [(page) => bubbles(page).last().click({ button: "right" }), (page) => page.getByRole("menu")],
  forward: [(page) => menuItem(page, "Forward"), (page) => page.getByRole("dialog")],
  selection: [(page) => menuItem(page, "Select several"), (page) => page.getByRole("toolbar")],
};

for (const [width, height] of [[1440, 900], [720, 900], [360, 740]]) {
  test(`Escape and Back close one layer at a time, ${width} wide`, async () => {
    const one = await device({ viewport: { width, height }, hasTouch: false });
    const { page } = one;
    await signIn(page, "nurse.xu");
    await live(page);
    await first(page).click();
    await bubbles(page).last().waitFor();
    const here = page.url();
    for (const [name, [open, shown, wide]] of Object.entries(LAYERS)) {
      if (wide && width < 768) continue;
      for (const way of ["Escape", "Back"]) {
        await open(page);
        await expect.seen(shown(page));
        if (way === "Escape") await page.keyboard.press("Escape");
        else await page.goBack();
        await expect.count(shown(page), 0);
        await page.waitForTimeout(150);
        assert.equal(page.url(), here, `${name}, ${way}: the conversation stays`);
        assert.equal(await composer(page).count(), 1, `${name}, ${way}`);
        assert.notEqual(await focused(page), "BODY", `${name}, ${way}: the focus is somewhere`);
        await page.evaluate(() => history.forward());
        await page.waitForTimeout(150);
        assert.equal(await shown(page).count(), 0, `${name}: forward does not open it again`);
        assert.equal(page.url(), here);
      }
    }
    // One over the other: each takes its own.
    await LAYERS.details[0](page);
    await expect.seen(LAYERS.details[1](page));
    if (width >= 768) {
      await LAYERS.forward[0](page);
      await expect.seen(page.getByRole("dialog"));
      await page.goBack();
      await expect.count(page.getByRole("dialog"), 0);
      await expect.seen(LAYERS.details[1](page));
    }
    await page.keyboard.press("Escape");
    await expect.count(LAYERS.details[1](page), 0);
    assert.equal(page.url(), here);
    if (width < 768) {
      await settled(page);
      await page.goBack();
      await until("Back leads to the list", async () => (await composer(page).count()) === 0);
      for (const name of ["settings", "search"]) {
        await LAYERS[name][0](page);
        await expect.seen(LAYERS[name][1](page));
        await page.goBack();
        await expect.count(LAYERS[name][1](page), 0);
        await expect.seen(first(page));
      }
    }
    one.calm();
    await one.context.close();
  });
}
