// One's own account: the way in, the password, the picture, and an end to all sign-ins.
import assert from "node:assert/strict";
import { test } from "node:test";
import { device, login, signIn, until, wellMade } from "./support.mjs";
import { live } from "./ward.mjs";

test("the way in says how long to wait, keeps what was typed, and is all reached by Tab", async () => {
  const { page, context, calm } = await device();
  await context.route("**/api/auth/login", (route) =>
    route.fulfill({
      status: 429,
      contentType: "application/json",
      body: JSON.stringify({ success: false, code: "RATE_LIMITED", message: "Too many", error: "x", details: { retryAfter: 2 } }),
    }),
  );
  await signIn(page, "nurse.li", "not this one");
  await page.getByText(/Try again in [12] s/).waitFor();
  const submit = page.getByRole("button", { name: "Sign in", exact: true });
  assert.ok(await submit.isDisabled());
  assert.equal(await page.getByLabel("Password", { exact: true }).inputValue(), "not this one");
  await until("it may be tried again", async () => !(await submit.isDisabled()));
  await context.unroute("**/api/auth/login");
  await submit.click();
  await page.getByText("Username and password do not match.").waitFor();
  await until("the password is selected", () =>
    page.evaluate(() => document.activeElement?.getAttribute("type") === "password" && document.activeElement.selectionEnd > 0),
  );
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement?.getAttribute("aria-label")), "Show password");
  await page.getByText("Ask your administrator").waitFor();
  await wellMade(page, "sign-in after a refusal");
  calm();
  await context.close();
});

test("where the house allows it somebody makes an account, and is asked for a better password", async () => {
  const { page, context, calm } = await device();
  await page.getByRole("button", { name: "Create an account" }).click();
  await page.getByLabel("Username").fill("nurse.li");
  await page.getByLabel("Name", { exact: true }).fill("Nina New");
  await page.getByLabel(/^Password/).fill("12345678");
  await page.getByText("Too easy to guess").waitFor();
  const create = page.getByRole("button", { name: "Create an account" });
  assert.ok(await create.isDisabled());
  await page.getByLabel(/^Password/).fill("four dogs eat cheese");
  await create.click();
  await page.getByText("This username is taken.").waitFor();
  await page.getByLabel("Username").fill("nina.new");
  await create.click();
  await live(page);
  const { user } = await login("nina.new", "four dogs eat cheese");
  assert.equal(user.role, "user");
  await page.getByRole("button", { name: "Settings" }).click();
  const settings = page.getByRole("dialog", { name: "Settings" });
  await settings.getByRole("button", { name: "Change password" }).click();
  await settings.getByLabel(/^New password$/).fill("nina.new");
  await settings.getByText("Not your name", { exact: true }).waitFor();
  await wellMade(page, "changing the password");
  calm();
  await context.close();
});
