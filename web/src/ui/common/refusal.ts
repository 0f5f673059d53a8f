// Why the service refused something for good, in words that help.
import type { TFunction } from "i18next";
import type { OutboxEntry } from "../../core/outbox-entry";
import type { People } from "../../core/people";
import { personName } from "./names";

/** The fields that the service named. */
export function refusedFields(problem: OutboxEntry["problem"]): string[] {
  const { details } = problem ?? {};
  const fields = (details?.fields ?? details) as unknown;
  if (Array.isArray(fields)) return fields.map((one) => String((one as { field?: unknown }).field ?? one));
  return fields && typeof fields === "object" ? Object.keys(fields) : [];
}

/** Whether what is answered is gone: the same words can be sent without it. */
export function answersNothing({ body, problem }: OutboxEntry): boolean {
  return Boolean(body.replyTo) && problem?.code === "INVALID_MESSAGE" && refusedFields(problem).includes("replyTo");
}

export function refusal(entry: OutboxEntry, people: People, t: TFunction): string {
  const { problem, change } = entry;
  if (!problem) return "";
  const { code, message, details } = problem;
  if (details?.reason === "recipientInactive") {
    const ids = Array.isArray(details.userIds) ? details.userIds.map(String) : [];
    const names = ids.map((id) => personName(people, id)).join(t("app.comma"));
    return t("composer.inactiveSent", { name: names });
  }
  if (code === "FILE_GONE") return t("composer.fileGone");
  if (code === "WINDOW_CLOSED") return change?.what === "edit" ? t("composer.editWindow") : message;
  if (code === "CONVERSATION_NOT_FOUND") return t("composer.notMember");
  if (code === "NOT_FOUND" && change) return t("change.gone");
  if (answersNothing(entry)) return t("message.replyRefused");
  if (code === "INVALID_MESSAGE" && refusedFields(problem).includes("mentions")) return t("message.mentionRefused");
  return message;
}
