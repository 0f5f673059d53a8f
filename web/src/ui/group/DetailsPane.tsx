// Who one talks to: a colleague's card, or a group with its members and what may be done about them.
import { Button, Switch } from "@mantine/core";
import { Phone as Receiver, X } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, useMedia, usePerson, usePresence } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { plannedPerson } from "../../core/planned";
import type { SessionStore } from "../../core/session-store";
import { Avatar } from "../common/Avatar";
import { said } from "../common/said";
import { Unconfirmed } from "../common/Unconfirmed";
import { telephone } from "../message/links";
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
          <>
            <Card userId={session.other} />
            {plannedPerson(session.id) === null && <Mute client={client} session={session} />}
          </>
        )}
      </div>
    </aside>
  );
}

function Card({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const person = usePerson(userId);
  const touch = useMedia("(hover: none)");
  const presence = usePresence(userId);
  if (!person) return null;
  const closed = person.isActive === false;
  const call = closed ? null : telephone(person.phone);
  const facts = [
    ["department", person.department],
    ["email", person.email],
    ["phone", person.phone],
  ].filter(([, value]) => value);
  return (
    <>
      <div className={classes.who}>
        <Avatar name={nameOf(person)} id={userId} size={72} presence={closed ? undefined : presence} picture={person.avatar} />
        <p className={classes.name} dir="auto">
          {nameOf(person)}
          <Unconfirmed person={person} />
        </p>
        <span className={classes.quiet}>{[t(`role.${person.role}`), person.title].filter(Boolean).join(" · ")}</span>
        <span className={classes.quiet}>@{person.username}</span>
        {closed && <span className={classes.closed}>{t("presence.closed")}</span>}
      </div>
      <dl className={classes.facts}>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{t(`group.${name}`)}</dt>
            <dd>{name === "email" ? <a href={`mailto:${value}`}>{value}</a> : name === "phone" ? <Phone number={value ?? ""} /> : <bdi>{value}</bdi>}</dd>
          </div>
        ))}
      </dl>
      {touch && call && (
        <Button component="a" href={call} leftSection={<Receiver size={16} aria-hidden="true" />}>
          {t("group.call")}
        </Button>
      )}
    </>
  );
}

function Phone({ number }: { number: string }) {
  const href = telephone(number);
  return href ? <a href={href}>{number}</a> : <bdi>{number}</bdi>;
}

/** Mutes this session for the user alone. */
function Mute({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState("");
  const toggle = async (muted: boolean) => {
    setProblem("");
    try {
      const path = `/api/chat/sessions/${session.id}/participants/${client.me}`;
      await client.tryChange(session.id, { what: "group", method: "PATCH", path, body: { muted } });
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
