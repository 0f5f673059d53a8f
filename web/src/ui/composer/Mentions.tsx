// "@" in a group: who can be meant, and who is, in what was written.
import { type KeyboardEvent, type RefObject, useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { Avatar } from "../common/Avatar";
import { personName } from "../common/names";
import classes from "./Mentions.module.css";

const SHOWN = 8;
const ALL = "all";
const EVERYBODY = ["所有人", "everyone", "all"];

/** Whom a text mentions: members whose name stands after an "@". */
export function mentionsIn(text: string, session: SessionStore, client: ChatClient): Message["mentions"] | undefined {
  if (!session.group || !text.includes("@")) return undefined;
  if (EVERYBODY.some((word) => text.includes(`@${word}`))) return ALL;
  const ids = session.document.participants.filter((id) => text.includes(`@${personName(client.people, id)}`));
  return ids.length ? ids : undefined;
}

interface Choice {
  id: string;
  name: string;
  detail: string;
}

export interface MentionState {
  found: Choice[];
  at: number;
  choose(choice: Choice): void;
  look(): void;
  /** True when the key was for the list. */
  pressed(event: KeyboardEvent): boolean;
}

interface MentionOptions {
  client: ChatClient;
  session: SessionStore;
  field: RefObject<HTMLTextAreaElement | null>;
  text: string;
  setText(text: string): void;
}

export function useMentions({ client, session, field, text, setText }: MentionOptions): MentionState {
  const { t } = useTranslation();
  const [caret, setCaret] = useState(0);
  const [at, setAt] = useState(0);
  const [closed, setClosed] = useState("");
  useChanges(client.people);
  const started = session.group ? /(?:^|[\s，。、；：（])@([^\s@]{0,24})$/u.exec(text.slice(0, caret)) : null;
  const sought = started?.[1];
  const everyone = t("message.mentionAll");
  const everyoneHint = t("composer.everyone");
  const participants = session.document.participants;

  const found = useMemo(() => {
    if (sought === undefined || closed === `${caret}:${text}`) return [];
    const wanted = sought.toLowerCase();
    const people = participants
      .filter((id) => id !== client.me)
      .map((id) => client.people.get(id))
      .filter((person) => person !== undefined)
      .map(
        (person): Choice => ({
          id: person._id,
          name: person.realName || person.username,
          detail: `${person.title} ${person.username}`,
        }),
      );
    const all: Choice[] = [{ id: ALL, name: everyone, detail: everyoneHint }, ...people];
    return all.filter((one) => `${one.name} ${one.detail}`.toLowerCase().includes(wanted)).slice(0, SHOWN);
  }, [sought, closed, caret, text, participants, client, everyone, everyoneHint]);
  const chosen = Math.min(at, Math.max(0, found.length - 1));

  const look = useCallback(() => {
    setCaret(field.current?.selectionStart ?? 0);
    setAt(0);
  }, [field]);

  const choose = (choice: Choice) => {
    const begin = caret - (sought?.length ?? 0) - 1;
    const piece = `@${choice.name} `;
    setText(text.slice(0, begin) + piece + text.slice(caret));
    const to = begin + piece.length;
    requestAnimationFrame(() => {
      field.current?.focus();
      field.current?.setSelectionRange(to, to);
      setCaret(to);
    });
  };

  const pressed = (event: KeyboardEvent): boolean => {
    if (found.length === 0 || event.nativeEvent.isComposing) return false;
    const one = found[chosen];
    if (event.key === "ArrowDown") setAt((chosen + 1) % found.length);
    else if (event.key === "ArrowUp") setAt((chosen + found.length - 1) % found.length);
    else if ((event.key === "Enter" || event.key === "Tab") && one) choose(one);
    else if (event.key === "Escape") setClosed(`${caret}:${text}`);
    else return false;
    event.preventDefault();
    return true;
  };

  return { found, at: chosen, choose, look, pressed };
}

export function MentionList({ mentions }: { mentions: MentionState }) {
  const { t } = useTranslation();
  if (mentions.found.length === 0) return null;
  return (
    <div id="mention-list" role="listbox" aria-label={t("composer.mention")} className={classes.list}>
      {mentions.found.map((one, index) => (
        // The focus stays in the field, which names the chosen one
        <div
          key={one.id}
          id={`mention-${index}`}
          role="option"
          aria-selected={index === mentions.at}
          className={classes.choice}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => mentions.choose(one)}
        >
          <Avatar name={one.name} size={26} group={one.id === ALL} />
          <span className={classes.name}>{one.name}</span>
          <span className={classes.detail}>{one.detail}</span>
        </div>
      ))}
    </div>
  );
}
