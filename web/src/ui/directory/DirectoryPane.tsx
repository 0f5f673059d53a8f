// All users of the organisation, by department; choosing one opens the private conversation.
import { TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges, useLater } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { byName, nameOf } from "../../core/people";
import { Empty } from "../common/Empty";
import { folded, usePeople } from "../common/people";
import { useArrowList } from "../common/useArrowList";
import { Waiting } from "../common/Waiting";
import { MorePeople, PersonButton } from "../list/FoundPeople";
import classes from "./DirectoryPane.module.css";

const LIMIT = 500;

export default function DirectoryPane({ client, onChosen }: { client: ChatClient; onChosen(): void }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const { people: users, of, total, failed, busy, more, again } = usePeople(client, useLater(text.trim(), 200), {
    limit: LIMIT,
    all: true,
  });
  useChanges(client.people);
  const list = useArrowList("li > button");
  const departments = useMemo(() => grouped(users ?? [], client.me, of), [users, client.me, of]);

  // The conversation is made with its first message.
  const write = (person: User) => {
    onChosen();
    go(`/s/${client.conversationWith(person._id).id}`);
  };

  return (
    <section className={classes.pane} aria-label={t("directory.title")}>
      <TextInput
        className={classes.find}
        size="sm"
        type="search"
        aria-label={t("directory.search")}
        placeholder={t("directory.search")}
        leftSection={<Search size={16} aria-hidden="true" />}
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <div ref={list} className={classes.scroller}>
        {failed && (
          <Empty title={t("directory.failed")}>
            <button type="button" className={classes.again} onClick={again}>
              {t("app.retry")}
            </button>
          </Empty>
        )}
        {!failed && !users && <Waiting label={t("directory.loading")} />}
        {users && departments.length === 0 && <Empty title={t("directory.none")} />}
        {departments.map(([department, people]) => (
          <section key={department} aria-label={department || t("directory.elsewhere")}>
            <h2 className={classes.department}>
              {department || t("directory.elsewhere")}
              <span className={classes.count}>{t("directory.count", { count: people.length })}</span>
            </h2>
            <ul className={classes.rows}>
              {people.map((person) => (
                <li key={person._id}>
                  <PersonButton person={person} onClick={() => write(person)} />
                </li>
              ))}
            </ul>
          </section>
        ))}
        {users && total > users.length && (
          <>
            <p className={classes.more}>{t("directory.truncated", { count: users.length })}</p>
            <MorePeople onClick={more} />
          </>
        )}
        {users && busy && <Waiting label={t("directory.loading")} />}
      </div>
    </section>
  );
}

/**
 * People by department. What differs only in blanks, case or width is one department, named as it is written first. While
 * something is sought, the department of whom fits best comes first.
 */
export function grouped(users: readonly User[], me: string, sought: string): [string, User[]][] {
  const departments = new Map<string, [string, User[]]>();
  for (const user of users) {
    if (user._id === me) continue;
    const name = user.department.trim();
    const key = folded(name);
    const members = departments.get(key) ?? [name, []];
    members[1].push(user);
    departments.set(key, members);
  }
  const all = [...departments.values()];
  if (sought) return all;
  for (const [, members] of all) members.sort((a, b) => byName(nameOf(a), nameOf(b)));
  // Those without a department come last.
  return all.sort(([a], [b]) => Number(!a) - Number(!b) || byName(a, b));
}
