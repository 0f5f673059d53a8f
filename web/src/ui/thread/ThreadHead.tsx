// Who one talks to: name, presence or size, who types.
import { ArrowLeft, BellOff, PanelRight } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useChanges, usePerson, usePresence, useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import type { Person, Presence } from "../../core/wire";
import { Avatar } from "../common/Avatar";
import { personName, sessionName } from "../common/names";
import { shortTime } from "../common/times";
import { Unconfirmed } from "../common/Unconfirmed";
import { IconButton } from "../shell/Side";
import classes from "./ThreadHead.module.css";

interface ThreadHeadProps {
  client: ChatClient;
  session: SessionStore;
  details: boolean;
  toggleDetails(): void;
  /** Absent where all panes are seen. */
  onBack?: () => void;
}

type T = ReturnType<typeof useTranslation>["t"];

export function ThreadHead({ client, session, details, toggleDetails, onBack }: ThreadHeadProps) {
  const { t } = useTranslation();
  useChanges(session);
  const other = usePerson(session.group ? client.me : session.other);
  const presence = usePresence(other?._id);
  const name = sessionName(session, client.people);
  const typing = typingText(session, client, t);
  const members = useValue(client.people, () => client.people.activeAmong(session.document.participants).length);
  const below = session.group ? groupLine(session, members, t) : personLine(other, presence, t);
  return (
    <header className={classes.head}>
      {onBack && (
        <IconButton label={t("app.back")} onClick={onBack}>
          <ArrowLeft size={20} />
        </IconButton>
      )}
      <Avatar
        name={name}
        id={session.group ? session.id : session.other}
        size={38}
        group={session.group}
        picture={session.group ? session.document.avatar : other?.avatar}
        presence={session.group || other?.isActive === false ? undefined : presence}
      />
      <div className={classes.text}>
        <h1 className={classes.name}>
          <span className={classes.words} dir="auto" title={name}>
            {name}
          </span>
          {!session.group && <Unconfirmed person={other} />}
          {session.muted && <BellOff size={14} role="img" aria-label={t("list.muted")} />}
        </h1>
        <div className={classes.below} data-typing={Boolean(typing)} aria-live="polite">
          {typing || below}
        </div>
      </div>
      <IconButton label={t("thread.info")} pressed={details} onClick={toggleDetails}>
        <PanelRight size={20} />
      </IconButton>
    </header>
  );
}

function personLine(person: Person | undefined, presence: Presence | "unknown", t: T): string {
  if (!person) return "";
  const what = [person.title, person.department].filter(Boolean).join(" · ");
  if (person.isActive === false) return [t("presence.closed"), what].filter(Boolean).join(" · ");
  const seen = person.lastSeen;
  const status =
    presence === "offline" && seen
      ? t("thread.lastSeen", { when: shortTime(seen, t) })
      : t(`presence.${presence}`);
  return [status, what].filter(Boolean).join(" · ");
}

function groupLine(session: SessionStore, members: number, t: T): string {
  return [t("thread.members", { count: members }), session.document.topic].filter(Boolean).join(" · ");
}

function typingText(session: SessionStore, client: ChatClient, t: T): string {
  const who = [...session.typing.keys()].filter((id) => id !== client.me).map((id) => personName(client.people, id));
  const [name, other] = who;
  if (who.length === 0) return "";
  if (who.length === 1) return t("thread.typingOne", { name });
  return who.length === 2 ? t("thread.typingTwo", { name, other }) : t("thread.typingMany");
}
