// Everybody in the house, by department; choosing somebody opens the private conversation.
import { TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useEffect, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges, useLater } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { Empty } from "../common/Empty";
import { said } from "../common/said";
import { Waiting } from "../common/Waiting";
import { PersonButton } from "../list/FoundPeople";
import classes from "./DirectoryPane.module.css";

const LIMIT = 500;

export default function DirectoryPane({ client, onChosen }: { client: ChatClient; onChosen(): void }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const { users, total, failed, again } = useDirectory(client, useLater(text.trim(), 200));
  useChanges(client.people);
  const departments = useMemo(() => grouped(users ?? [], client.me), [users, client.me]);

  const write = async (person: User) => {
    setProblem("");
    try {
      const session = await client.openPrivate(person._id);
      onChosen();
      go(`/s/${session.id}`);
    } catch (thrown) {
      setProblem(said(thrown, t));
    }
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
      {problem && (
        <p role="alert" className={classes.problem}>
          {problem}
        </p>
      )}
      <div className={classes.scroller}>
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
                  <PersonButton person={person} onClick={() => void write(person)} />
                </li>
              ))}
            </ul>
          </section>
        ))}
        {users && total > users.length && (
          <p className={classes.more}>{t("directory.truncated", { count: users.length })}</p>
        )}
      </div>
    </section>
  );
}

function useDirectory(client: ChatClient, search: string) {
  const [users, setUsers] = useState<User[] | null>(null);
  const [total, setTotal] = useState(0);
  const [failed, setFailed] = useState(false);
  const [attempt, setAttempt] = useState(0);
  // Another attempt is another call
  useEffect(() => {
    const leaving = new AbortController();
    setFailed(false);
    const call = { query: { search, limit: LIMIT }, signal: leaving.signal };
    client.api.page<User[]>("GET", "/api/chat/users", call).then(
      (answer) => {
        client.people.learn(answer.data);
        setUsers(answer.data);
        setTotal(answer.pagination?.total ?? answer.data.length);
      },
      () => {
        if (!leaving.signal.aborted) setFailed(true);
      },
    );
    return () => leaving.abort();
  }, [client, search, attempt]);
  return { users: failed ? null : users, total, failed, again: () => setAttempt((one) => one + 1) };
}

function grouped(users: readonly User[], me: string): [string, User[]][] {
  const departments = new Map<string, User[]>();
  for (const user of users) {
    if (user._id === me) continue;
    const members = departments.get(user.department) ?? [];
    members.push(user);
    departments.set(user.department, members);
  }
  // Those without a department come last.
  return [...departments].sort(([a], [b]) => Number(!a) - Number(!b) || a.localeCompare(b));
}
