// "@" in a group: who can be meant. Who is chosen here is who is called, whatever others are named.
import { Users } from "lucide-react";
import { type KeyboardEvent, type RefObject, useCallback, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, useLater } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { EVERYBODY, GROUP_WORDS, type MentionRange, type Nameable, opensMention } from "../../core/mentions";
import { nameOf } from "../../core/people";
import type { SessionStore } from "../../core/session-store";
import type { Person } from "../../core/wire";
import { PersonAvatar } from "../common/Avatar";
import { composing } from "../common/ime";
import { usePeople } from "../common/people";
import { insertInto } from "./insert";
import classes from "./Mentions.module.css";

const SHOWN = 8;
/** A name is not longer than this. */
const SOUGHT_MAX = 40;
const FOUND = { limit: 50 };

/** Who can be called in a session, by which names; without those who read nothing any more. */
export function nameablesOf(session: SessionStore, client: ChatClient): Nameable[] {
  return client.people.activeAmong(session.document.participants).flatMap((id) => {
    const person = client.people.get(id);
    if (!person) return [];
    return [{ id, names: [person.realName, person.username].filter(Boolean) }];
  });
}

/** What tells people of one name apart. */
export function detailOf(person: Person): string {
  return [person.department, person.title, person.username].filter(Boolean).join(" · ");
}

export interface Choice {
  id: string;
  name: string;
  detail: string;
}

export interface MentionState {
  found: Choice[];
  /** The chosen one's place; -1 when none is chosen by itself. */
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
  ranges: readonly MentionRange[];
  /** A user was chosen: their name is now in the text. */
  onChosen(range: MentionRange): void;
}

/** What is sought: what stands between an "@" that opens the list and the caret. */
function soughtIn(text: string, caret: number, ranges: readonly MentionRange[]): { at: number; sought: string } | null {
  const piece = text.slice(Math.max(0, caret - SOUGHT_MAX), caret);
  const found = piece.lastIndexOf("@");
  if (found < 0) return null;
  const at = caret - piece.length + found;
  const sought = piece.slice(found + 1);
  if (/[\n\t]/.test(sought) || !opensMention(text, at)) return null;
  if (ranges.some((range) => range.from <= at && at < range.to)) return null;
  return { at, sought };
}

/** How well a name fits, less is better; null when it does not. The name counts before other words about a person. */
function fit(choice: Choice, username: string, sought: string): number | null {
  const wanted = sought.toLowerCase();
  const name = choice.name.toLowerCase();
  if (name.startsWith(wanted)) return 0;
  if (name.split(/[\s._·-]+/).some((word) => word.startsWith(wanted))) return 1;
  if (name.includes(wanted)) return 2;
  // A blank at the end closes the list for all but names that go on.
  if (/\s$/.test(sought)) return null;
  if (username.toLowerCase().startsWith(wanted)) return 3;
  return choice.detail.toLowerCase().includes(wanted) ? 5 : null;
}

export function useMentions({ client, session, field, text, ranges, onChosen }: MentionOptions): MentionState {
  const { t } = useTranslation();
  const [caret, setCaret] = useState(0);
  const [at, setAt] = useState<number | null>(null);
  const [closed, setClosed] = useState("");
  const peopleVersion = useChanges(client.people);
  const started = useMemo(
    () => (session.group ? soughtIn(text, caret, ranges) : null),
    [session.group, text, caret, ranges],
  );
  const sought = started?.sought;
  const everyone = t("message.mentionAll");
  const all = session.document.participants;
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the version stands for what is known of people
  const participants = useMemo(() => client.people.activeAmong(all), [client, all, peopleVersion]);
  const everyoneHint = t("thread.members", { count: participants.length });
  // The service knows names by their pinyin, too.
  const { people: elsewhere } = usePeople(client, useLater(sought?.trim() ?? "", 200), FOUND);

  const found = useMemo(() => {
    if (sought === undefined || closed === `${caret}:${text}`) return [];
    const also = new Set(/\s$/.test(sought) ? [] : (elsewhere ?? []).map((person) => person._id));
    const ranked: { choice: Choice; rank: number }[] = [];
    for (const id of participants) {
      const person = client.people.get(id);
      if (!person || id === client.me) continue;
      const choice = { id, name: nameOf(person), detail: detailOf(person) };
      const rank = fit(choice, person.username, sought) ?? (also.has(id) ? 4 : null);
      if (rank !== null) ranked.push({ choice, rank });
    }
    ranked.sort((a, b) => a.rank - b.rank || a.choice.name.localeCompare(b.choice.name));
    const people = ranked.slice(0, SHOWN).map(({ choice }) => choice);
    const wanted = sought.toLowerCase();
    const group = [everyone, ...GROUP_WORDS].some((word) => word.toLowerCase().startsWith(wanted));
    return group ? [...people, { id: EVERYBODY, name: everyone, detail: everyoneHint }] : people;
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the version stands for what is known of people
  }, [sought, closed, caret, text, participants, client, peopleVersion, elsewhere, everyone, everyoneHint]);
  // Everybody is never the first choice: that mention must be chosen.
  const first = found[0] && found[0].id !== EVERYBODY ? 0 : -1;
  const chosen = at === null ? first : Math.min(at, found.length - 1);

  const look = useCallback(() => {
    setCaret(field.current?.selectionStart ?? 0);
    setAt(null);
  }, [field]);

  const choose = (choice: Choice) => {
    if (!started || !field.current) return;
    const name = `@${choice.name}`;
    insertInto(field.current, started.at, caret, `${name} `);
    onChosen({ from: started.at, to: started.at + name.length, id: choice.id });
    setCaret(started.at + name.length + 1);
    setAt(null);
  };

  const pressed = (event: KeyboardEvent): boolean => {
    if (found.length === 0 || composing(event)) return false;
    const one = found[chosen];
    if (event.key === "ArrowDown") setAt((chosen + 1) % found.length);
    else if (event.key === "ArrowUp") setAt((Math.max(chosen, 0) + found.length - 1) % found.length);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && one) choose(one);
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
          {one.id === EVERYBODY ? (
            <Users size={22} className={classes.group} aria-hidden="true" />
          ) : (
            <PersonAvatar userId={one.id} size={26} dot={false} />
          )}
          <span className={classes.name}>{one.name}</span>
          <span className={classes.detail}>{one.detail}</span>
        </div>
      ))}
    </div>
  );
}
