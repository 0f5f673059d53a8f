// Who one talks to: a colleague's card, or a group with its members and what may be done about them.
import { Switch } from "@mantine/core";
import { X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, usePerson } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import type { SessionStore } from "../../core/session-store";
import { Avatar } from "../common/Avatar";
import { said } from "../common/said";
import { IconButton } from "../shell/Side";
import classes from "./Group.module.css";
import { GroupDetails } from "./GroupDetails";

interface DetailsProps {
  client: ChatClient;
  session: SessionStore;
  onClose(): void;
}

export default function DetailsPane({ client, session, onClose }: DetailsProps) {
  const { t } = useTranslation();
  useChanges(session);
  const title = t(session.group ? "group.details" : "group.person");
  return (
    <aside className={classes.pane} aria-label={title}>
      <header className={classes.head}>
        <h2>{title}</h2>
        <IconButton label={t("app.close")} onClick={onClose}>
          <X size={20} />
        </IconButton>
      </header>
      <div className={classes.body}>
        {session.group ? (
          <GroupDetails client={client} session={session}>
            <Mute client={client} session={session} />
          </GroupDetails>
        ) : (
          <Card userId={session.other} />
        )}
      </div>
    </aside>
  );
}

function Card({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const person = usePerson(userId);
  if (!person) return null;
  const facts = [
    ["department", person.department],
    ["email", person.email],
    ["phone", person.phone],
  ].filter(([, value]) => value);
  return (
    <>
      <div className={classes.who}>
        <Avatar name={nameOf(person)} size={72} presence={person.status} />
        <p className={classes.name}>{nameOf(person)}</p>
        <span className={classes.quiet}>{[t(`role.${person.role}`), person.title].filter(Boolean).join(" · ")}</span>
        <span className={classes.quiet}>@{person.username}</span>
      </div>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{t(`group.${name}`)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

/** No bell for this session; every member decides for themselves. */
function Mute({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState("");
  const toggle = async (muted: boolean) => {
    setProblem("");
    try {
      await client.api.call("PATCH", `/api/chat/sessions/${session.id}/participants/${client.me}`, { body: { muted } });
      client.syncer.request();
    } catch (thrown) {
      setProblem(said(thrown, t));
    }
  };
  return (
    <>
      <Switch
        label={t("group.mute")}
        checked={session.muted}
        onChange={(event) => void toggle(event.currentTarget.checked)}
      />
      {problem && (
        <p role="alert" className={classes.problem}>
          {problem}
        </p>
      )}
    </>
  );
}
