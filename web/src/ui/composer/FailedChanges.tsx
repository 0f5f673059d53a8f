// Changes that the service finally refused: why, and a way to save what was written.
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { OutboxEntry } from "../../core/outbox-entry";
import { takeBack } from "../../core/sending";
import { copyText } from "../common/clipboard";
import { refusal } from "../common/refusal";
import classes from "./Questions.module.css";

export function FailedChanges({ client, sessionId }: { client: ChatClient; sessionId: string }) {
  const changes = useValue(client.outbox, () => client.outbox.changesOf(sessionId));
  return changes
    .filter((one) => one.state === "failed")
    .map((one) => <FailedChange key={one.clientMsgId} entry={one} client={client} />);
}

function FailedChange({ entry, client }: { entry: OutboxEntry; client: ChatClient }) {
  const { t } = useTranslation();
  const { change, clientMsgId } = entry;
  const text = change?.what === "edit" ? change.text : "";
  return (
    <div role="alert" className={classes.question} data-testid="failed-change">
      <p className={classes.words}>
        <strong>{t(`change.${change?.what ?? "edit"}`)}</strong> {refusal(entry, client.people, t)}
        {text && `\n${text.length > 200 ? `${text.slice(0, 200)}…` : text}`}
      </p>
      <div className={classes.answers}>
        {text && (
          <>
            <button type="button" className={classes.person} onClick={() => takeBack(client, clientMsgId)}>
              {t("message.takeBack")}
            </button>
            <button type="button" className={classes.person} onClick={() => void copyText(text)}>
              {t("message.copy")}
            </button>
          </>
        )}
        <button type="button" className={classes.person} onClick={() => client.outbox.discard(clientMsgId)}>
          {t(text ? "message.discard" : "app.close")}
        </button>
      </div>
    </div>
  );
}
