import { serviceClock } from "../../core/clock";
import type { Message } from "../../core/wire";

/** The service's default; it has the last word. */
export const RECALL_MS = 2 * 60_000;

/** Whether a message can still be unsent: not offered when it would be refused. */
export function recallable(message: Message, now = serviceClock.now()): boolean {
  return !message.isDeleted && !message.system && now - Date.parse(message.createdAt) < RECALL_MS;
}
