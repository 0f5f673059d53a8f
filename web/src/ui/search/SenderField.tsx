// The sender to search for, found by their profile.
import { X } from "lucide-react";
import { type KeyboardEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLater, usePerson } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { usePeople } from "../common/people";
import suggestions from "../common/Suggestions.module.css";
import { PersonLines } from "../list/FoundPeople";
import classes from "./SearchPanel.module.css";

interface SenderFieldProps {
  client: ChatClient;
  /** Empty for anyone. */
  chosen: string;
  choose(userId: string): void;
}

const LIMIT = 8;

export function SenderField({ client, chosen, choose }: SenderFieldProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const sought = text.trim();
  const search = usePeople(client, useLater(sought, 200), { limit: LIMIT });
  const person = usePerson(chosen);
  const found = sought && search.of === sought ? (search.people ?? []) : [];
  const take = (user: User) => {
    setText("");
    choose(user._id);
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    const first = found[0];
    if (event.key === "Enter" && first) take(first);
    else if (event.key === "Escape" && text) setText("");
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  if (chosen) {
    const name = person ? nameOf(person) : "…";
    return (
      <div className={classes.field}>
        <span>{t("search.sender")}</span>
        <button
          type="button"
          className={classes.chip}
          onClick={() => choose("")}
          aria-label={t("search.notFrom", { name })}
          title={t("search.notFrom", { name })}
        >
          <span dir="auto">{name}</span> <X size={13} aria-hidden="true" />
        </button>
      </div>
    );
  }
  return (
    <div className={classes.field}>
      <label htmlFor="search-sender">{t("search.sender")}</label>
      <input
        id="search-sender"
        type="search"
        autoComplete="off"
        placeholder={t("search.anySender")}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={pressed}
      />
      {sought && search.of === sought && !search.busy && (
        <ul className={suggestions.list} aria-label={t("list.people")}>
          {found.map((one) => (
            <li key={one._id}>
              <button type="button" onClick={() => take(one)}>
                <PersonLines person={one} />
              </button>
            </li>
          ))}
          {found.length === 0 && <li className={classes.nobody}>{t("directory.none")}</li>}
          {search.total > found.length && found.length > 0 && (
            <li className={classes.nobody}>{t("directory.truncated", { count: found.length })}</li>
          )}
        </ul>
      )}
    </div>
  );
}
