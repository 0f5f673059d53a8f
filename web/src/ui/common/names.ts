// What things are called and how a message reads in one line.
import type { TFunction } from "i18next";
import { nameOf, type People } from "../../core/people";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";

export function personName(people: People, userId: string): string {
  const person = people.get(userId);
  return person ? nameOf(person) : "…";
}

export function sessionName(session: SessionStore, people: People): string {
  if (!session.group) return personName(people, session.other);
  if (session.document.sessionName) return session.document.sessionName;
  return session.document.participants
    .slice(0, 4)
    .map((id) => personName(people, id))
    .join(", ");
}

type Told = Pick<Message, "content" | "messageType" | "fileName"> & Partial<Pick<Message, "isDeleted" | "merged">>;

/** A message in one line, for lists, quotes and notifications. */
export function plainText(message: Told, t: TFunction): string {
  if (message.isDeleted) return t("message.deleted");
  if (message.merged?.length) return `[${t("message.merged", { count: message.merged.length })}]`;
  switch (message.messageType) {
    case "image":
      return `[${t("message.image")}] ${message.content}`.trim();
    case "voice":
      return `[${t("message.voice")}]`;
    case "file":
      return `[${t("message.file")}] ${message.fileName}`;
    case "text":
      return message.content;
  }
}

/** What a group wrote about itself, in the reader's language. */
export function systemText(message: Message, people: People, me: string, t: TFunction): string {
  const name = (id: string) => (id === me ? t("app.you") : personName(people, id));
  const by = name(message.sender);
  const who = (message.subjects ?? []).map(name).join(t("app.comma"));
  const what = message.content;
  switch (message.system) {
    case "joined":
      return t("system.joined", { by, who });
    case "left":
      return t("system.left", { who: who || by });
    case "removed":
      return t("system.removed", { by, who });
    case "renamed":
      return t("system.renamed", { by, what });
    case "topic":
      return what ? t("system.topic", { by, what }) : t("system.topicCleared", { by });
    case "avatar":
      return t("system.avatar", { by });
    case "history":
      return t(what === "open" ? "system.historyOpen" : "system.historyClosed", { by });
    case "role":
      return t("system.role", { by, who, what: t(`seat.${what}`) });
    case undefined:
      return what;
  }
}
