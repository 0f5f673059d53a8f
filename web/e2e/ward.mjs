// The chat as people use it: by the names that are on the screen (English).
import assert from "node:assert/strict";
import { expect, until, WAIT } from "./support.mjs";

export const composer = (page) => page.getByRole("textbox", { name: "Message", exact: true });
export const thread = (page) => page.getByTestId("thread");
export const bubbles = (page) => thread(page).locator("[data-bubble]");
export const bubble = (page, text) => bubbles(page).filter({ hasText: text });
export const pending = (page) => thread(page).getByTestId("pending");
export const connection = (page) => page.getByTestId("connection");
export const conversations = (page) => page.getByRole("region", { name: "Conversations" });
export const row = (page, name) => conversations(page).getByRole("button").filter({ hasText: name });

/** The line at the top says so. */
export const live = (page) => expect.state(connection(page), "live");

/** Opens the conversation with somebody, found by name. */
export async function open(page, name) {
  const find = page.getByRole("searchbox", { name: "Find a conversation or a person" });
  await find.fill(name);
  await row(page, name).first().click();
  await page.getByRole("heading", { level: 1, name }).waitFor();
  await composer(page).waitFor();
}

export async function say(page, text) {
  await composer(page).fill(text);
  await composer(page).press("Enter");
}

/** What is done with a message, from its menu. */
export async function act(page, text, action) {
  await bubble(page, text).last().click({ button: "right" });
  await page.getByRole("menuitem", { name: action, exact: true }).click();
}

/** How many unread messages a conversation shows in the list. */
export async function unreadOf(page, name) {
  const text = await row(page, name).first().innerText();
  return Number(/(\d+) unread message/.exec(text)?.[1] ?? 0);
}

export const showsUnread = (page, name, count) =>
  until(`${count} unread messages of ${name}`, async () => (await unreadOf(page, name)) === count, WAIT);

/** Asserts that a conversation's messages hold these texts once each, in this order. */
export function holdsInOrder(messages, texts) {
  const found = messages.filter((message) => texts.includes(message.content)).map((message) => message.content);
  assert.deepEqual(found, texts, "each exactly once, in the order of writing");
  assert.deepEqual(
    messages.map((message) => message.seq),
    messages.map((_, index) => index + 1),
    "no gap and no repeat",
  );
}
