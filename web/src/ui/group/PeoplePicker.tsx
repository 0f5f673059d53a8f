// Chooses people: found by what is known of them, shown as what is chosen so far.
import { Checkbox, TextInput } from "@mantine/core";
import { Search, X } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLater } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { PersonAvatar } from "../common/Avatar";
import { usePeople } from "../common/people";
import { useArrowList } from "../common/useArrowList";
import { MorePeople, PersonLines } from "../list/FoundPeople";
import classes from "./PeoplePicker.module.css";

interface PeoplePickerProps {
  client: ChatClient;
  chosen: readonly User[];
  setChosen(people: User[]): void;
  /** People who cannot be chosen: they are there already. */
  without: ReadonlySet<string>;
}

const LIMIT = 100;

export function PeoplePicker({ client, chosen, setChosen, without }: PeoplePickerProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const search = usePeople(client, useLater(text.trim(), 200), { limit: LIMIT, all: true });
  const found = (search.people ?? []).filter((one) => one._id !== client.me && !without.has(one._id));

  const list = useArrowList("input", () => field.current?.focus());
  const ids = new Set(chosen.map((one) => one._id));
  const toggle = (person: User) => {
    if (ids.has(person._id)) {
      setChosen(chosen.filter((one) => one._id !== person._id));
      return;
    }
    setChosen([...chosen, person]);
    // The next one is sought by another name.
    if (!text) return;
    setText("");
    field.current?.focus();
  };
  return (
    <div className={classes.picker}>
      <TextInput
        ref={field}
        type="search"
        aria-label={t("group.search")}
        placeholder={t("directory.search")}
        leftSection={<Search size={16} aria-hidden="true" />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {chosen.length > 0 && (
        <div className={classes.chosen}>
          {chosen.map((one) => (
            <button key={one._id} type="button" className={classes.chip} onClick={() => toggle(one)}>
              <span dir="auto">{nameOf(one)}</span> <X size={13} aria-hidden="true" />
            </button>
          ))}
        </div>
      )}
      {search.failed && (
        <p role="alert">
          {t("directory.failed")}{" "}
          <button type="button" className={classes.again} onClick={search.again}>
            {t("app.retry")}
          </button>
        </p>
      )}
      <ul ref={list} className={classes.rows}>
        {found.map((one) => (
          <li key={one._id}>
            <Checkbox
              className={classes.row}
              checked={ids.has(one._id)}
              onChange={() => toggle(one)}
              label={
                <span className={classes.person}>
                  <PersonAvatar userId={one._id} size={34} />
                  <PersonLines person={one} />
                </span>
              }
            />
          </li>
        ))}
        {search.people && !search.busy && found.length === 0 && <li className={classes.none}>{t("directory.none")}</li>}
        {search.people && search.total > search.people.length && (
          <li>
            <MorePeople onClick={search.more} />
          </li>
        )}
      </ul>
    </div>
  );
}
