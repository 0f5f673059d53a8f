// Colleagues that match what is sought, below the conversations that do.
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { PersonAvatar } from "../common/Avatar";
import classes from "./FoundPeople.module.css";

/** People whose name holds the text, as the service finds them; without oneself. */
export function useFoundPeople(client: ChatClient, sought: string, limit = 20): User[] {
  const [found, setFound] = useState<User[]>([]);
  useEffect(() => {
    setFound([]);
    if (!sought) return;
    const leaving = new AbortController();
    const query = { search: sought, limit };
    client.api.call<User[]>("GET", "/api/chat/users", { query, signal: leaving.signal }).then(
      (users) => {
        client.people.learn(users);
        setFound(users.filter((user) => user._id !== client.me));
      },
      // Offline, conversations are found all the same.
      () => {},
    );
    return () => leaving.abort();
  }, [client, sought, limit]);
  return found;
}

export function FoundPeople({ people, onChosen }: { people: readonly User[]; onChosen(person: User): void }) {
  const { t } = useTranslation();
  return (
    <div className={classes.found}>
      <h2 className={classes.title}>{t("list.people")}</h2>
      <ul className={classes.rows}>
        {people.map((person) => (
          <li key={person._id}>
            <PersonButton person={person} onClick={() => onChosen(person)} />
          </li>
        ))}
      </ul>
    </div>
  );
}

export function PersonButton({ person, onClick }: { person: User; onClick(): void }) {
  const { t } = useTranslation();
  return (
    <button
      type="button"
      className={classes.person}
      onClick={onClick}
      title={t("directory.message", { name: nameOf(person) })}
    >
      <PersonAvatar userId={person._id} size={38} />
      <PersonLines person={person} />
    </button>
  );
}

/** A name with what the person is below it. */
export function PersonLines({ person }: { person: Pick<User, "realName" | "username" | "department" | "title"> }) {
  return (
    <span className={classes.lines}>
      <span className={classes.name}>{nameOf(person)}</span>
      <span className={classes.what}>
        {[person.title, person.department].filter(Boolean).join(" · ") || person.username}
      </span>
    </span>
  );
}
