// A message that is not yet one: on its way, waiting for the connection, or in need of its author.
import { AlertCircle, Clock3, CloudOff } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { OutboxEntry } from "../../core/outbox-entry";
import type { SessionStore } from "../../core/session-store";
import { fileSize } from "../common/times";
import { DayLine } from "./MessageRow";
import rows from "./MessageRow.module.css";
import classes from "./PendingRow.module.css";
import { Quote } from "./Quote";
import { RichText } from "./RichText";

interface PendingRowProps {
  entry: OutboxEntry;
  client: ChatClient;
  session: SessionStore;
  day: string | number | null;
  lead: boolean;
}

const MARKS = { sending: Clock3, unsent: CloudOff, failed: AlertCircle };

export const PendingRow = memo(function PendingRow({ entry, client, session, day, lead }: PendingRowProps) {
  const { t } = useTranslation();
  const { body, state, problem } = entry;
  const Mark = MARKS[state];
  return (
    <>
      {day !== null && <DayLine at={day} />}
      <div className={rows.said} data-own="true" data-lead={lead} data-testid="pending" data-state={state}>
        <div className={rows.column}>
          <div className={rows.line}>
            <div className={`${rows.bubble} ${classes.bubble}`} data-state={state}>
              {body.replyTo && <Quote session={session} client={client} messageId={body.replyTo} />}
              {body.fileName && (
                <div className={classes.file}>
                  {body.fileName} · {fileSize(body.fileSize ?? 0)}
                </div>
              )}
              {body.content && <RichText text={body.content} mentions={body.mentions ?? undefined} />}
              <span className={rows.meta}>
                <Mark size={13} aria-hidden="true" />
                {t(`message.${state}`)}
              </span>
            </div>
          </div>
          {state === "failed" && (
            <div className={classes.failed} role="alert">
              <span>{problem?.message}</span>
              <button type="button" onClick={() => client.outbox.retry(entry.clientMsgId)}>
                {t("message.retry")}
              </button>
              <button type="button" onClick={() => client.outbox.discard(entry.clientMsgId)}>
                {t("message.discard")}
              </button>
            </div>
          )}
          {state === "unsent" && (
            <button type="button" className={classes.discard} onClick={() => client.outbox.discard(entry.clientMsgId)}>
              {t("message.discard")}
            </button>
          )}
        </div>
      </div>
    </>
  );
});
