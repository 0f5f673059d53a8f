// Colleagues that match what is sought, below the conversations that do.
import { useTranslation } from "react-i18next";
import type { User } from "../../core/api";
import { nameOf } from "../../core/people";
import { PersonAvatar } from "../common/Avatar";
import { Unconfirmed } from "../common/Unconfirmed";
import { useArrowList } from "../common/useArrowList";
import classes from "./FoundPeople.module.css";

interface FoundPeopleProps {
  people: readonly User[];
  onChosen(person: User): void;
  /** Present when there are more than these. */
  more?: () => void;
}

export function FoundPeople({ people, onChosen, more }: FoundPeopleProps) {
  const { t } = useTranslation();
  const list = useArrowList("button");
  return (
    <div className={classes.found}>
      <h2 className={classes.title}>{t("list.people")}</h2>
      <ul ref={list} className={classes.rows}>
        {people.map((person) => (
          <li key={person._id}>
            <PersonButton person={person} onClick={() => onChosen(person)} />
          </li>
        ))}
      </ul>
      {more && <MorePeople onClick={more} />}
    </div>
  );
}

/** Below a list of people that ends before all of them. */
export function MorePeople({ onClick }: { onClick(): void }) {
  const { t } = useTranslation();
  return (
    <button type="button" className={classes.more} onClick={onClick}>
      {t("list.more")}
    </button>
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

type Lined = Pick<User, "realName" | "username" | "department" | "title" | "selfRegistered">;

/** A name with what the person is below it. */
export function PersonLines({ person }: { person: Lined }) {
  return (
    <span className={classes.lines}>
      <span className={classes.name} dir="auto">
        {nameOf(person)}
        <Unconfirmed person={person} />
      </span>
      <span className={classes.what} dir="auto">
        {[person.title, person.department].filter(Boolean).join(" · ") || person.username}
      </span>
    </span>
  );
}
