// All conversations, newest first, and a field that finds one, or a colleague to begin one with.
import { TextInput } from "@mantine/core";
import { useVirtualizer } from "@tanstack/react-virtual";
import { AtSign, MessagesSquare, Plus, Search } from "lucide-react";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges, useLater, useRem, useValue } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { Badge } from "../common/Badge";
import { Empty } from "../common/Empty";
import { composing } from "../common/ime";
import { sessionName } from "../common/names";
import { sessionFits, usePeople } from "../common/people";
import { useArrowList } from "../common/useArrowList";
import { Waiting } from "../common/Waiting";
import { FIND_ID } from "../shell/shortcuts";
import { FoundPeople } from "./FoundPeople";
import { SessionRow } from "./SessionRow";
import classes from "./SessionsPane.module.css";
import { part } from "../common/part";

const NewGroup = part(() => import("../group/NewGroup"), "dialog");
/** A row's height in rem: it grows with the size of the text. */
const ROW = 4.25;
const PEOPLE = 20;

interface SessionsPaneProps {
  client: ChatClient;
  sessionId: string | undefined;
  openDirectory(): void;
  openMentions(): void;
}

export function SessionsPane({ client, sessionId, openDirectory, openMentions }: SessionsPaneProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [text, setText] = useState("");
  const [creating, setCreating] = useState(false);
  const sought = text.trim();
  const search = usePeople(client, useLater(sought, 200), { limit: PEOPLE });
  const version = useChanges(client.sessions);
  useChanges(client.people);
  // Which of them hold something that is not sent decides whether they are shown.
  const kept = useValue(client.drafts, () => client.drafts.ids().join());
  const waiting = useValue(client.outbox, () => client.outbox.ids().join());
  const colleagues = useMemo(
    () => (search.of === sought ? (search.people ?? []) : []).filter((one) => one._id !== client.me),
    [client, sought, search.of, search.people],
  );
  const { found, people } = useMemo(
    () => matching(client, sought, colleagues),
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the others stand for what the sessions hold
    [client, sought, colleagues, version, kept, waiting],
  );
  const mentioned = client.sessions.all().reduce((sum, one) => sum + one.mentioned, 0);

  const open = (id: string) => {
    setText("");
    go(`/s/${id}`);
  };
  const write = (person: User) => open(client.conversationWith(person._id).id);
  // Enter that came before the answer is kept until it is there, unless something else is sought by then.
  const [eager, setEager] = useState("");
  const awaited = eager && eager === sought ? people[0] : undefined;
  useEffect(() => {
    if (!awaited) return;
    setEager("");
    write(awaited);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for whom it waited
  }, [awaited]);
  const pressed = (event: KeyboardEvent) => {
    if (composing(event)) return;
    if (event.key === "Escape" && text) {
      setText("");
      event.stopPropagation();
    } else if (event.key === "Enter" && sought) {
      const first = found[0];
      const person = people[0];
      if (first) open(first.id);
      else if (person) write(person);
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
        <button
          type="button"
          className={classes.create}
          aria-label={t("list.newGroup")}
          title={t("list.newGroup")}
          onClick={() => setCreating(true)}
        >
          <Plus size={16} aria-hidden="true" />
          {t("list.group")}
        </button>
      </div>
      {!sought && (
        <button type="button" className={classes.mentions} onClick={openMentions}>
          <AtSign size={16} aria-hidden="true" />
          <span>{t("list.mentions")}</span>
          <Badge count={mentioned} label={t("list.mentionsUnread", { count: mentioned })} />
        </button>
      )}
      {found.length > 0 && (
        <Rows sessions={found} client={client} chosen={sessionId} open={open} short={people.length > 0} />
      )}
      {people.length > 0 && (
        <FoundPeople
          people={people}
          onChosen={write}
          more={search.total > (search.people?.length ?? 0) ? search.more : undefined}
        />
      )}
      {found.length === 0 && people.length === 0 && (
        <Nothing client={client} text={text.trim()} openDirectory={openDirectory} />
      )}
      {creating && (
          <NewGroup
            client={client}
            onClose={(made) => {
              setCreating(false);
              if (made) open(made);
            }}
          />
      )}
    </section>
  );
}

/** Conversations that fit what is sought, and people who do with whom there is none to be seen yet. */
function matching(client: ChatClient, sought: string, colleagues: readonly User[]) {
  const listed = client.listed();
  if (!sought) return { found: listed, people: [] };
  const known = new Set(colleagues.map((one) => one._id));
  const found = listed.filter((session) => {
    const name = sessionName(session, client.people);
    if (session.group) return sessionFits(name, undefined, session.document.topic, sought);
    // Whom the service found may be called so in pinyin, which only it knows.
    return known.has(session.other) || sessionFits(name, client.people.get(session.other), undefined, sought);
  });
  const shown = new Set(found.filter((one) => !one.group).map((one) => one.other));
  return { found, people: colleagues.filter((one) => !shown.has(one._id)) };
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
  const row = ROW * useRem();
  const rows = useVirtualizer({
    count: sessions.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => row,
    getItemKey: (index) => sessions[index]?.id ?? index,
    overscan: 6,
  });
  useEffect(() => rows.measure(), [rows, row]);
  const list = useArrowList("[data-session-row]", () => document.getElementById(FIND_ID)?.focus());
  return (
    <div ref={scroller} className={classes.scroller} data-short={short}>
      <ul ref={list} className={classes.rows} style={{ height: rows.getTotalSize() }}>
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
