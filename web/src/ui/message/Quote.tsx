// The message that another one answers, in one line; a click goes there.
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { personName, plainText } from "../common/names";
import { fullTime } from "../common/times";
import { useThread } from "../thread/thread-actions";
import classes from "./Quote.module.css";

interface QuoteProps {
  session: SessionStore;
  client: ChatClient;
  messageId: string;
  seq?: number;
  /** Up to when the author of the answer knew what they answer. */
  answeredAt: string | number;
  /** What the service says became of the message since, for those who cannot see it. */
  change?: Message["replyToChange"];
}

const SINCE: Record<string, string> = { edited: "message.editedSince", recalled: "message.recalledSince", deleted: "message.deletedSince" };

export function Quote({ session, client, messageId, seq, answeredAt, change }: QuoteProps) {
  const { t } = useTranslation();
  const { jump } = useThread();
  const message = useValue(session, () => session.timeline.find(messageId));
  const place = message?.seq ?? seq;
  const hidden = place !== undefined && place <= session.timeline.hiddenSeq;
  const missing = !message && !hidden;
  useEffect(() => {
    if (missing && place) void client.history.ensure(session, place, place);
  }, [client, session, missing, place]);
  const edited = message && !message.isDeleted && message.editedAt && new Date(message.editedAt) > new Date(answeredAt);
  const since = message ? (edited ? { kind: "edited", at: message.editedAt ?? "" } : null) : change;
  const words = since && SINCE[since.kind];
  return (
    <button
      type="button"
      className={classes.quote}
      disabled={!place || hidden}
      title={t("message.jump")}
      onClick={() => place && jump.to(place)}
    >
      {message ? (
        <>
          <span className={classes.name}>{personName(client.people, message.sender)}</span>
          <span className={classes.text} dir="auto">
            {plainText(message, t)}
          </span>
        </>
      ) : (
        <span className={classes.text}>{hidden ? t("message.replyGone") : t("app.loading")}</span>
      )}
      {since && words && (
        <span className={classes.since} title={fullTime(since.at)} data-testid="changed-since">
          {t(words)}
        </span>
      )}
    </button>
  );
}
