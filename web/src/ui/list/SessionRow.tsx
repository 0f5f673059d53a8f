// One conversation in the list: who, the last word, when, and how much of it is unread.
import { BellOff } from "lucide-react";
import { memo, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, usePerson, usePresence, useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { Avatar } from "../common/Avatar";
import { Badge } from "../common/Badge";
import { lastLine, needsNewest, personName, sessionName } from "../common/names";
import { shortTime } from "../common/times";
import { Unconfirmed } from "../common/Unconfirmed";
import classes from "./SessionRow.module.css";

interface SessionRowProps {
  session: SessionStore;
  client: ChatClient;
  index: number;
  chosen: boolean;
  open(id: string): void;
}

export const SessionRow = memo(function SessionRow({ session, client, index, chosen, open }: SessionRowProps) {
  const { t } = useTranslation();
  useChanges(session);
  const other = usePerson(session.group ? client.me : session.other);
  const closed = !session.group && other?.isActive === false;
  const presence = usePresence(other?._id);
  const draft = useValue(client.drafts, () => client.drafts.get(session.id));
  const name = sessionName(session, client.people);
  // What a group wrote about itself has no preview in the service's list.
  const wordless = needsNewest(session);
  useEffect(() => {
    if (wordless) void client.history.ensure(session, session.head, session.head);
  }, [client, session, wordless]);
  return (
    <button
      type="button"
      className={classes.row}
      data-session-row={index}
      data-unread={session.unread > 0}
      aria-current={chosen ? "true" : undefined}
      onClick={() => open(session.id)}
    >
      <Avatar
        name={name}
        id={session.group ? session.id : session.other}
        size={44}
        group={session.group}
        picture={session.group ? session.document.avatar : other?.avatar}
        presence={session.group || closed ? undefined : presence}
      />
      <span className={classes.text}>
        <span className={classes.top}>
          <span className={classes.name} dir="auto">
            {name}
            {!session.group && <Unconfirmed person={other} />}
            {closed && <span className={classes.closed}>{t("presence.closed")}</span>}
          </span>
          <time className={classes.time} dateTime={session.document.lastMessageTime}>
            {session.head > 0 && shortTime(session.document.lastMessageTime, t)}
          </time>
        </span>
        <span className={classes.bottom}>
          <span className={classes.preview} dir="auto">
            {draft && !chosen ? (
              <>
                <span className={classes.draft}>{t("list.draft")}</span> {draft}
              </>
            ) : (
              preview(session, client, t)
            )}
          </span>
          {session.mentioned > 0 && (
            <span className={classes.mention} data-badge>
              <span aria-hidden="true">@</span>
              <span className="visually-hidden">{t("list.mentioned", { count: session.mentioned })}</span>
            </span>
          )}
          {session.muted && <BellOff size={14} className={classes.muted} aria-label={t("list.muted")} role="img" />}
          <Badge count={session.unread} quiet={session.muted} />
        </span>
      </span>
    </button>
  );
});

type T = ReturnType<typeof useTranslation>["t"];

function preview(session: SessionStore, client: ChatClient, t: T): string {
  for (const [userId] of session.typing) return t("thread.typingOne", { name: personName(client.people, userId) });
  return lastLine(session, client.people, client.me, t);
}
