// What things are called and how a message reads in one line.
import type { TFunction } from "i18next";
import { nameOf, type People } from "../../core/people";
import type { SessionStore, Summary } from "../../core/session-store";
import type { Message, SessionDocument } from "../../core/wire";
import { fullTime } from "./times";

export function personName(people: People, userId: string): string {
  const person = people.get(userId);
  if (!person) people.want(userId);
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

/** A file's name without the characters that turn or hide what follows: `list\u202Efdp.exe` is no PDF. */
export function visibleName(name: string): string {
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "");
}

type Told = Pick<Message, "content" | "messageType" | "fileName"> & Partial<Pick<Message, "isDeleted" | "merged">>;

/** A message in one line, for lists, quotes and notifications. */
export function plainText(message: Told, t: TFunction): string {
  if (message.isDeleted) return t("message.deleted");
  if (message.merged?.length) return `[${t("message.merged", { count: message.merged.length })}]`;
  switch (message.messageType as string) {
    // As lists tell of it: without how many there are.
    case "merged":
      return `[${t("message.record")}]`;
    case "image":
      return `[${t("message.image")}] ${message.content}`.trim();
    case "voice":
      return `[${t("message.voice")}]`;
    case "file":
      return `[${t("message.file")}] ${visibleName(message.fileName)}`.trim();
    case "text":
      return message.content;
    // A later service may know more kinds than this page: never their names on the wire.
    default:
      return message.content || `[${t("message.other")}]`;
  }
}

type Noted = Pick<Message, "sender" | "content" | "system" | "subjects">;

/** What a group wrote about itself, in the reader's language. */
export function systemText(message: Noted, people: People, me: string, t: TFunction): string {
  const name = (id: string) => (id === me ? t("app.you") : personName(people, id));
  const by = name(message.sender);
  const whom = (id: string) => (id === me ? t("app.youObject") : personName(people, id));
  const who = (message.subjects ?? []).map(whom).join(t("app.comma"));
  const what = message.content;
  // As the service's words may be more than these, what is not known is told without them.
  switch (message.system as string | undefined) {
    case "created":
      return t("system.created", { by });
    case "joined":
      return t("system.joined", { by, who });
    case "left":
      return t("system.left", { who: (message.subjects ?? []).map(name).join(t("app.comma")) || by });
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
      return what === "owner" || what === "admin" || what === "member"
        ? t(`system.role_${what}`, { by, who })
        : t("system.other", { by });
    case "silenced":
    case "unsilenced":
      return t(`system.${message.system}`, { by, who });
    case undefined:
      return what;
    default:
      return t("system.other", { by });
  }
}

type Made = Pick<SessionDocument, "createdBy" | "createdAt">;

/** How a group began: by whom, as far as that is known. */
export function madeText({ createdBy, createdAt }: Made, people: People, me: string, t: TFunction): string {
  const known = createdBy && (createdBy === me || people.get(createdBy));
  if (known) return t("system.created", { by: createdBy === me ? t("app.you") : personName(people, createdBy) });
  return t("system.made", { when: fullTime(createdAt) });
}

/** System messages that say something without their text. */
const COMPLETE = new Set(["created", "joined", "left", "removed", "avatar", "silenced", "unsilenced"]);

/** Whether the list's own words are not enough for a line, so that the message itself is needed. */
export function needsNewest(session: SessionStore): boolean {
  const { summary } = session;
  if (session.head === 0 || session.newest || session.preview) return false;
  if (!summary) return true;
  return summary.system ? !COMPLETE.has(summary.system) : summary.kind === "text";
}

type List = Pick<SessionStore, "group" | "head" | "newest" | "preview" | "summary">;

/** The newest message of a session in one line: whose it is, and what it says or is. */
export function lastLine(session: List, people: People, me: string, t: TFunction): string {
  const { newest, preview, summary } = session;
  if (session.head === 0) return t("list.noMessages");
  const told = newest ?? (summary && (summarised(summary, preview) as Message));
  if (!told) return preview || " ";
  if (told.system) return systemText(told, people, me, t);
  if (!newest && summary?.kind === "text" && !preview) return " ";
  const text = plainText(told, t).replace(/\s+/g, " ");
  if (told.sender === me) return t("list.said", { name: t("app.you"), text });
  return session.group ? t("list.said", { name: personName(people, told.sender), text }) : text;
}

/** As much of a message as a list's words are: a file's name is a name, a picture's is no caption. */
function summarised({ sender, kind, system, subjects, isDeleted }: Summary, preview: string) {
  const named = /\.[\p{L}\d]{1,8}$/u.test(preview.trim());
  return {
    sender,
    system: system ?? undefined,
    subjects: subjects ?? undefined,
    messageType: kind,
    isDeleted,
    content: kind === "file" || (kind === "image" && named) ? "" : preview,
    fileName: kind === "file" ? preview : "",
  };
}
