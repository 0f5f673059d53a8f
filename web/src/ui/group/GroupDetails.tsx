// A group: its name and topic, its members, and the actions that the user's role allows.
import { Button, Switch, TextInput } from "@mantine/core";
import { LogOut, Pencil, UserPlus } from "lucide-react";
import { type FormEvent, type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useChanges } from "../../app/hooks";
import type { User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { byName } from "../../core/people";
import type { SessionStore } from "../../core/session-store";
import { Avatar } from "../common/Avatar";
import { personName, sessionName } from "../common/names";
import { said } from "../common/said";
import { useArrowList } from "../common/useArrowList";
import { IconButton } from "../shell/Side";
import classes from "./Group.module.css";
import { MemberRow } from "./MemberRow";
import { PeoplePicker } from "./PeoplePicker";
import { Modal } from "../common/Modal";

const RANK = { owner: 0, admin: 1, member: 2 } as const;

interface GroupDetailsProps {
  client: ChatClient;
  session: SessionStore;
  /** Between what the group is and who is in it. */
  children: ReactNode;
}

export function GroupDetails({ client, session, children }: GroupDetailsProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const [open, setOpen] = useState<"edit" | "add" | "leave" | null>(null);
  const [problem, setProblem] = useState("");
  const [waits, setWaits] = useState(false);
  useChanges(session);
  useChanges(client.people);
  const name = sessionName(session, client.people);
  const mine = session.membership?.role ?? "member";
  const list = useArrowList("button");
  const manages = mine !== "member";
  const path = `/api/chat/sessions/${session.id}`;

  /** Calls the service; what changes comes back as an event. True when it worked. */
  const call = async (method: string, below: string, body?: unknown): Promise<boolean> => {
    setProblem("");
    try {
      const done = await client.tryChange(session.id, { what: "group", method, path: path + below, body });
      setWaits(done === "waits");
      return true;
    } catch (thrown) {
      setProblem(said(thrown, t));
      return false;
    }
  };
  const leave = async () => {
    if (await call("DELETE", `/participants/${client.me}`)) go("/");
    setOpen(null);
  };
  useEffect(() => void client.syncer.renewProfiles(session).catch(() => {}), [client, session]);
  const active = new Set(client.people.activeAmong([...session.memberships.keys()]));
  const members = [...session.memberships].sort(
    ([a, one], [b, two]) =>
      Number(active.has(b)) - Number(active.has(a)) ||
      RANK[one.role] - RANK[two.role] ||
      byName(personName(client.people, a), personName(client.people, b)),
  );
  return (
    <>
      <div className={classes.who}>
        <Avatar name={name} id={session.id} size={72} group picture={session.document.avatar} />
        <p className={classes.name} dir="auto">
          {name}
          {manages && (
            <IconButton label={t("message.edit")} onClick={() => setOpen("edit")}>
              <Pencil size={16} />
            </IconButton>
          )}
        </p>
        {session.document.topic && <span className={classes.quiet} dir="auto">{session.document.topic}</span>}
      </div>
      {problem && (
        <p role="alert" className={classes.problem}>
          {problem}
        </p>
      )}
      {waits && (
        <p role="status" className={classes.quiet}>
          {t("group.waits")}
        </p>
      )}
      {manages && (
        <Switch
          label={t("group.history")}
          checked={session.document.historyVisible ?? false}
          onChange={(event) => void call("PATCH", "", { historyVisible: event.currentTarget.checked })}
        />
      )}
      {children}
      <div>
        <h3 className={classes.sub}>
          {t("group.members")} ({active.size})
          {manages && (
            <IconButton label={t("group.add")} onClick={() => setOpen("add")}>
              <UserPlus size={18} />
            </IconButton>
          )}
        </h3>
        <ul ref={list} className={classes.members}>
          {members.map(([userId, membership]) => (
            <MemberRow key={userId} client={client} userId={userId} role={membership.role} mine={mine} call={call} />
          ))}
        </ul>
      </div>
      <Button variant="default" leftSection={<LogOut size={16} aria-hidden="true" />} onClick={() => setOpen("leave")}>
        {t("group.leave")}
      </Button>
      {open === "edit" && <EditGroup session={session} call={call} onClose={() => setOpen(null)} />}
      {open === "add" && <AddPeople client={client} session={session} call={call} onClose={() => setOpen(null)} />}
      {open === "leave" && (
        <Modal
          opened
          onClose={() => setOpen(null)}
          title={t("group.leave")}
          closeButtonProps={{ "aria-label": t("app.close") }}
        >
          <div className={classes.form}>
            <p>{t("group.leaveSure", { name })}</p>
            <div className={classes.foot}>
              <Button variant="default" onClick={() => setOpen(null)}>
                {t("app.cancel")}
              </Button>
              <Button color="red" onClick={() => void leave()}>
                {t("group.leave")}
              </Button>
            </div>
          </div>
        </Modal>
      )}
    </>
  );
}

type Call = (method: string, below: string, body?: unknown) => Promise<boolean>;

function EditGroup({ session, call, onClose }: { session: SessionStore; call: Call; onClose(): void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(session.document.sessionName);
  const [topic, setTopic] = useState(session.document.topic ?? "");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    await call("PATCH", "", { sessionName: name.trim(), topic: topic.trim() });
    onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("group.details")} closeButtonProps={{ "aria-label": t("app.close") }}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label={t("group.name")}
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
          data-autofocus
        />
        <TextInput
          label={t("group.topic")}
          maxLength={500}
          value={topic}
          onChange={(event) => setTopic(event.currentTarget.value)}
        />
        <Button type="submit" disabled={!name.trim()}>
          {t("app.save")}
        </Button>
      </form>
    </Modal>
  );
}

function AddPeople(props: { client: ChatClient; session: SessionStore; call: Call; onClose(): void }) {
  const { t } = useTranslation();
  const [chosen, setChosen] = useState<User[]>([]);
  const add = async () => {
    await props.call("POST", "/participants", { userIds: chosen.map((one) => one._id) });
    props.onClose();
  };
  return (
    <Modal opened onClose={props.onClose} title={t("group.add")} closeButtonProps={{ "aria-label": t("app.close") }}>
      <div className={classes.form}>
        <PeoplePicker
          client={props.client}
          chosen={chosen}
          setChosen={setChosen}
          without={new Set(props.session.document.participants)}
        />
        <div className={classes.foot}>
          <span role="status">{t("group.chosen", { count: chosen.length })}</span>
          <Button disabled={chosen.length === 0} onClick={() => void add()}>
            {t("group.add")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
