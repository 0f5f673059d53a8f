// Chooses people: found by name, shown as what is chosen so far.
import { Checkbox, TextInput } from "@mantine/core";
import { Search, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLater } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { PersonAvatar } from "../common/Avatar";
import { PersonLines } from "../list/FoundPeople";
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
  const [found, setFound] = useState<User[]>([]);
  const [problem, setProblem] = useState("");
  const search = useLater(text.trim(), 200);
  useEffect(() => {
    const leaving = new AbortController();
    const call = { query: { search, limit: LIMIT }, signal: leaving.signal };
    client.api.call<User[]>("GET", "/api/chat/users", call).then(
      (users) => {
        client.people.learn(users);
        setFound(users);
        setProblem("");
      },
      () => !leaving.signal.aborted && setProblem(t("directory.failed")),
    );
    return () => leaving.abort();
  }, [client, search, t]);

  const ids = new Set(chosen.map((one) => one._id));
  const toggle = (person: User) =>
    setChosen(ids.has(person._id) ? chosen.filter((one) => one._id !== person._id) : [...chosen, person]);
  return (
    <div className={classes.picker}>
      <TextInput
        type="search"
        aria-label={t("group.search")}
        placeholder={t("group.search")}
        leftSection={<Search size={16} aria-hidden="true" />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      {chosen.length > 0 && (
        <div className={classes.chosen}>
          {chosen.map((one) => (
            <button key={one._id} type="button" className={classes.chip} onClick={() => toggle(one)}>
              {nameOf(one)} <X size={13} aria-hidden="true" />
            </button>
          ))}
        </div>
      )}
      {problem && <p role="alert">{problem}</p>}
      <ul className={classes.rows}>
        {found
          .filter((one) => one._id !== client.me && !without.has(one._id))
          .map((one) => (
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
      </ul>
    </div>
  );
}
