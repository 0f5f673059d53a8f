// A message that is not yet one: on its way, waiting for the connection, or in need of its author.
import { AlertCircle, Clock3, CloudOff } from "lucide-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { useNow, useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { OutboxEntry } from "../../core/outbox-entry";
import { takeBack } from "../../core/sending";
import type { SessionStore } from "../../core/session-store";
import { copyText } from "../common/clipboard";
import { answersNothing, refusal } from "../common/refusal";
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
  const { body, state, file, clientMsgId } = entry;
  const Mark = MARKS[state];
  const name = file?.name ?? body.fileName;
  const now = useNow(1_000, entry.busyUntil !== undefined);
  const seconds = Math.max(1, Math.ceil(((entry.busyUntil ?? 0) - now) / 1_000));
  return (
    <>
      {day !== null && <DayLine at={day} />}
      <div className={rows.said} data-own="true" data-lead={lead} data-testid="pending" data-state={state}>
        <div className={rows.column}>
          <div className={rows.line}>
            <div className={`${rows.bubble} ${classes.bubble}`} data-state={state}>
              {body.replyTo && (
                <Quote session={session} client={client} messageId={body.replyTo} answeredAt={body.replyToAsOf ?? entry.createdAt} />
              )}
              {name && (
                <div className={classes.file}>
                  <bdi>{name}</bdi> · {fileSize(file?.size ?? body.fileSize ?? 0)}
                  {file && state === "sending" && <Progress client={client} fileId={file.id} name={name} />}
                </div>
              )}
              {body.content && <RichText text={body.content} mentions={body.mentions ?? undefined} />}
              <span className={rows.meta}>
                <Mark size={13} aria-hidden="true" />
                {entry.busyUntil && state === "unsent" ? t("error.busy", { seconds }) : t(`message.${state}`)}
              </span>
            </div>
          </div>
          {state === "failed" && <Failed entry={entry} client={client} />}
          {state === "unsent" && (
            <button type="button" className={classes.discard} onClick={() => client.outbox.discard(clientMsgId)}>
              {t("message.discard")}
            </button>
          )}
        </div>
      </div>
    </>
  );
});

function Progress({ client, fileId, name }: { client: ChatClient; fileId: string; name: string }) {
  const progress = useValue(client.attachments, () => client.attachments.find(fileId)?.progress ?? 1);
  return progress < 1 ? <progress max={100} value={Math.round(progress * 100)} aria-label={name} /> : null;
}

/** Why it was refused for good. Sending it again would say the same: it can be changed, copied, or given up. */
function Failed({ entry, client }: { entry: OutboxEntry; client: ChatClient }) {
  const { t } = useTranslation();
  const { body, clientMsgId } = entry;
  return (
    <div className={classes.failed} role="alert">
      <span>{refusal(entry, client.people, t)}</span>
      {answersNothing(entry) && (
        <button type="button" onClick={() => client.outbox.withoutReply(clientMsgId)}>
          {t("message.withoutReply")}
        </button>
      )}
      <button type="button" onClick={() => takeBack(client, clientMsgId)}>
        {t("message.takeBack")}
      </button>
      {body.content && (
        <button type="button" onClick={() => void copyText(body.content ?? "")}>
          {t("message.copy")}
        </button>
      )}
      <button type="button" onClick={() => client.outbox.discard(clientMsgId)}>
        {t("message.discard")}
      </button>
    </div>
  );
}
