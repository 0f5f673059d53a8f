// To whom messages go on, and whether one by one or as one record.
import { Alert, Button, Checkbox, SegmentedControl, TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, useLater } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { newId } from "../../core/ids";
import { nameOf } from "../../core/people";
import { plannedPerson } from "../../core/planned";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { Avatar } from "../common/Avatar";
import { Empty } from "../common/Empty";
import { sessionName } from "../common/names";
import { sessionFits, usePeople } from "../common/people";
import { said } from "../common/said";
import { Unconfirmed } from "../common/Unconfirmed";
import { useArrowList } from "../common/useArrowList";
import group from "../group/Group.module.css";
import picker from "../group/PeoplePicker.module.css";
import { MorePeople } from "../list/FoundPeople";
import { Modal } from "../common/Modal";

const TARGETS = 20;
/** Drawn at once; more on demand. */
const ROWS = 100;

interface ForwardProps {
  client: ChatClient;
  messages: Message[];
  /** `waits`: there is no connection, and it is forwarded when there is. */
  onClose(sent: boolean, waits?: boolean): void;
}

export default function ForwardDialog({ client, messages, onClose }: ForwardProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [mode, setMode] = useState<"each" | "merged">("each");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  // One request, however often the button has to be pressed: the service knows it by this.
  const key = useRef(newId());
  const targets = useTargets(client, text.trim());
  const full = chosen.length >= TARGETS;
  const list = useArrowList("input:enabled");

  const toggle = (id: string) =>
    setChosen((before) =>
      before.includes(id) ? before.filter((one) => one !== id) : [...before, id].slice(0, TARGETS),
    );
  const submit = async () => {
    setBusy(true);
    setProblem("");
    const messageIds = [...messages].sort((a, b) => a.seq - b.seq).map((one) => one._id);
    try {
      const body = { messageIds, toSessionIds: chosen, mode, clientMsgId: key.current };
      const path = "/api/chat/messages/forward";
      const from = messages[0]?.sessionId ?? "";
      const done = await client.tryChange(from, { what: "forward", method: "POST", path, body });
      onClose(true, done === "waits");
    } catch (thrown) {
      setProblem(said(thrown, t));
      setBusy(false);
    }
  };
  return (
    <Modal
      opened
      onClose={() => onClose(false)}
      title={t("forward.titleMany", { count: messages.length })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <div className={group.form}>
        {messages.length > 1 && (
          <SegmentedControl
            aria-label={t("forward.title")}
            value={mode}
            onChange={(value) => setMode(value as "each" | "merged")}
            data={(["each", "merged"] as const).map((value) => ({ value, label: t(`forward.${value}`) }))}
          />
        )}
        <TextInput
          type="search"
          aria-label={t("list.find")}
          placeholder={t("list.find")}
          leftSection={<Search size={16} aria-hidden="true" />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-autofocus
        />
        {targets.all.length === 0 ? (
          <div className={picker.rows}>{!targets.busy && <Empty title={t("directory.none")} />}</div>
        ) : (
          <ul ref={list} className={picker.rows} aria-label={t("forward.to")}>
            {targets.all.map((one) => (
              <li key={one.id}>
                <Checkbox
                  className={picker.row}
                  checked={chosen.includes(one.id)}
                  disabled={full && !chosen.includes(one.id)}
                  onChange={() => toggle(one.id)}
                  label={<Target client={client} session={one} />}
                />
              </li>
            ))}
            {targets.more && (
              <li>
                <MorePeople onClick={targets.more} />
              </li>
            )}
          </ul>
        )}
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <div className={group.foot}>
          <span role="status">
            {t("forward.selected", { count: chosen.length })}
            {full && ` · ${t("forward.full", { limit: TARGETS })}`}
          </span>
          <Button loading={busy} disabled={chosen.length === 0} onClick={() => void submit()}>
            {t("forward.submit")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}

/** Conversations that fit, then people with whom there is none yet. */
function useTargets(client: ChatClient, sought: string) {
  useChanges(client.sessions);
  useChanges(client.people);
  const [shown, setShown] = useState(ROWS);
  const search = usePeople(client, useLater(sought, 200), { limit: 20 });
  const colleagues = sought && search.of === sought ? (search.people ?? []) : [];
  const known = new Set(colleagues.map((one) => one._id));
  const sessions = client.listed().filter((one) => {
    if (plannedPerson(one.id) !== null) return false;
    if (!one.group && client.people.get(one.other)?.isActive === false) return false;
    if (!sought) return true;
    const name = sessionName(one, client.people);
    if (one.group) return sessionFits(name, undefined, one.document.topic, sought);
    return known.has(one.other) || sessionFits(name, client.people.get(one.other), undefined, sought);
  });
  const there = new Set(sessions.filter((one) => !one.group).map((one) => one.other));
  const people = colleagues.filter((one) => one._id !== client.me && !there.has(one._id));
  const all = [...sessions.slice(0, shown), ...people.map((one) => client.conversationWith(one._id))];
  const further = sessions.length > shown;
  const morePeople = sought !== "" && search.of === sought && search.total > colleagues.length;
  const more = further ? () => setShown(shown + ROWS) : morePeople ? search.more : undefined;
  return { all, more, busy: search.busy || (sought !== "" && search.of !== sought && !search.failed) };
}

function Target({ client, session }: { client: ChatClient; session: SessionStore }) {
  const name = sessionName(session, client.people);
  const other = session.group ? undefined : client.people.get(session.other);
  return (
    <span className={picker.person}>
      <Avatar
        name={name}
        id={session.group ? session.id : session.other}
        size={34}
        group={session.group}
        picture={session.group ? session.document.avatar : other?.avatar}
      />
      <span className={picker.words}>
        <span dir="auto">
          {other ? nameOf(other) : name}
          <Unconfirmed person={other} />
        </span>
        {other && (
          <span className={picker.what} dir="auto">
            {[other.title, other.department].filter(Boolean).join(" · ") || other.username}
          </span>
        )}
      </span>
    </span>
  );
}
