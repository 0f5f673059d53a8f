// All conversations, newest first, and a field that finds one, or a colleague to begin one with.
import { TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { MessagesSquare, Plus, Search } from "lucide-react";
import { type KeyboardEvent, lazy, Suspense, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges, useLater } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import common from "../common/common.module.css";
import { Empty } from "../common/Empty";
import { said } from "../common/said";
import { sessionName } from "../common/names";
import { Waiting } from "../common/Waiting";
import { IconButton } from "../shell/Side";
import { FIND_ID } from "../shell/shortcuts";
import { FoundPeople, useFoundPeople } from "./FoundPeople";
import { SessionRow } from "./SessionRow";
import classes from "./SessionsPane.module.css";

const NewGroup = lazy(() => import("../group/NewGroup"));
const ROW = 68;

interface SessionsPaneProps {
  client: ChatClient;
  sessionId: string | undefined;
  openDirectory(): void;
}

export function SessionsPane({ client, sessionId, openDirectory }: SessionsPaneProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const [creating, setCreating] = useState(false);
  const sought = text.trim().toLowerCase();
  const colleagues = useFoundPeople(client, useLater(sought, 200));
  const version = useChanges(client.sessions);
  useChanges(client.people);
  // eslint-disable-next-line react-hooks/exhaustive-deps -- the version stands for what the sessions hold
  const found = useMemo(() => matching(client, sought), [client, sought, version]);

  // With whom there is a conversation already, that is what is shown.
  const people = colleagues.filter((one) => !client.sessions.withPerson(one._id));

  const open = (id: string) => {
    setText("");
    go(`/s/${id}`);
  };
  const [problem, setProblem] = useState("");
  const write = async (person: User) => {
    setProblem("");
    try {
      open((await client.openPrivate(person._id)).id);
    } catch (thrown) {
      setProblem(said(thrown, t));
    }
  };
  // Enter that came before the answer is kept until it is there, unless something else is sought by then.
  const [eager, setEager] = useState("");
  const awaited = eager && eager === sought ? people[0] : undefined;
  useEffect(() => {
    if (!awaited) return;
    setEager("");
    void write(awaited);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for whom it waited
  }, [awaited]);
  const pressed = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Escape" && text) {
      setText("");
      event.stopPropagation();
    } else if (event.key === "Enter" && sought) {
      const first = found[0];
      const person = people[0];
      if (first) open(first.id);
      else if (person) void write(person);
      else setEager(sought);
    } else if (event.key === "ArrowDown") {
      document.querySelector<HTMLElement>("[data-session-row]")?.focus();
      event.preventDefault();
    }
  };

  return (
    <section className={classes.pane} aria-label={t("list.label")}>
      <div className={classes.tools}>
        <TextInput
          id={FIND_ID}
          className={classes.find}
          size="sm"
          type="search"
          aria-label={t("list.find")}
          placeholder={t("list.find")}
          leftSection={<Search size={16} aria-hidden="true" />}
          value={text}
          onChange={(event) => {
            setText(event.currentTarget.value);
            setEager("");
          }}
          onKeyDown={pressed}
        />
        <IconButton label={t("list.newGroup")} onClick={() => setCreating(true)}>
          <Plus size={20} />
        </IconButton>
      </div>
      {problem && (
        <p role="alert" className={common.problem}>
          {problem}
        </p>
      )}
      {found.length > 0 && (
        <Rows sessions={found} client={client} chosen={sessionId} open={open} short={people.length > 0} />
      )}
      {people.length > 0 && <FoundPeople people={people} onChosen={(person) => void write(person)} />}
      {found.length === 0 && people.length === 0 && (
        <Nothing client={client} text={text.trim()} openDirectory={openDirectory} />
      )}
      {creating && (
        <Suspense>
          <NewGroup
            client={client}
            onClose={(made) => {
              setCreating(false);
              if (made) open(made);
            }}
          />
        </Suspense>
      )}
    </section>
  );
}

function matching(client: ChatClient, sought: string): readonly SessionStore[] {
  const all = client.sessions.all();
  if (!sought) return all;
  return all.filter((session) => {
    const other = session.group ? undefined : client.people.get(session.other);
    const words = [sessionName(session, client.people), other?.username, other?.department, session.document.topic];
    return words.some((word) => word?.toLowerCase().includes(sought));
  });
}

function Nothing({ client, text, openDirectory }: { client: ChatClient; text: string; openDirectory(): void }) {
  const { t } = useTranslation();
  if (text) return <Empty title={t("list.nothing", { text })} />;
  if (!client.syncer.listed) return <Waiting />;
  return (
    <Empty icon={<MessagesSquare size={40} strokeWidth={1.4} />} title={t("list.empty")} hint={t("list.emptyHint")}>
      <button type="button" className={classes.link} onClick={openDirectory}>
        {t("list.openDirectory")}
      </button>
    </Empty>
  );
}

interface RowsProps {
  sessions: readonly SessionStore[];
  client: ChatClient;
  chosen: string | undefined;
  open(id: string): void;
  short: boolean;
}

function Rows({ sessions, client, chosen, open, short }: RowsProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualizer({
    count: sessions.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    getItemKey: (index) => sessions[index]?.id ?? index,
    overscan: 6,
  });
  const step = (event: KeyboardEvent<HTMLElement>) => {
    if (event.altKey || (event.key !== "ArrowDown" && event.key !== "ArrowUp")) return;
    const at = Number((event.target as HTMLElement).dataset.sessionRow ?? -1);
    const to = at + (event.key === "ArrowDown" ? 1 : -1);
    event.preventDefault();
    if (to < 0) document.getElementById(FIND_ID)?.focus();
    else scroller.current?.querySelector<HTMLElement>(`[data-session-row="${to}"]`)?.focus();
  };
  return (
    // Arrow keys are a short cut between the buttons inside
    <div ref={scroller} className={classes.scroller} data-short={short} onKeyDown={step}>
      <ul className={classes.rows} style={{ height: rows.getTotalSize() }}>
        {rows.getVirtualItems().map((item) => {
          const session = sessions[item.index];
          if (!session) return null;
          return (
            <li key={item.key} className={classes.row} style={{ transform: `translateY(${item.start}px)` }}>
              <SessionRow
                session={session}
                client={client}
                index={item.index}
                chosen={session.id === chosen}
                open={open}
              />
            </li>
          );
        })}
      </ul>
    </div>
  );
}
