// The message that another one answers, in one line; a click goes there.
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { personName, plainText } from "../common/names";
import { useThread } from "../thread/thread-actions";
import classes from "./Quote.module.css";

interface QuoteProps {
  session: SessionStore;
  client: ChatClient;
  messageId: string;
  seq?: number;
}

export function Quote({ session, client, messageId, seq }: QuoteProps) {
  const { t } = useTranslation();
  const { jump } = useThread();
  const message = useValue(session, () => session.timeline.find(messageId));
  const place = message?.seq ?? seq;
  const hidden = place !== undefined && place <= session.timeline.hiddenSeq;
  const missing = !message && !hidden;
  useEffect(() => {
    if (missing && place) void client.history.ensure(session, place, place);
  }, [client, session, missing, place]);
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
          <span className={classes.text}>{plainText(message, t)}</span>
        </>
      ) : (
        <span className={classes.text}>{hidden ? t("message.replyGone") : t("app.loading")}</span>
      )}
    </button>
  );
}
