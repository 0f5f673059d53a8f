// A conversation that ended for this person while it was open: who did that, and what they had written there, to be saved.
import { MessageCircleOff } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { Ended } from "../../core/session-list";
import { copyText } from "../common/clipboard";
import { Empty } from "../common/Empty";
import { personName, sessionName } from "../common/names";
import classes from "./ThreadPane.module.css";

export function Gone({ client, ended, onBack }: { client: ChatClient; ended: Ended; onBack(): void }) {
  const { t } = useTranslation();
  const [copied, setCopied] = useState(false);
  useChanges(client.drafts);
  useChanges(client.outbox);
  useChanges(client.people);
  const { session, reason, by } = ended;
  const name = sessionName(session, client.people);
  const what =
    reason === "removed" && by && by !== client.me
      ? t("thread.removedBy", { name, by: personName(client.people, by) })
      : t(reason === "left" ? "thread.left" : "thread.removed", { name });
  const { text, edit } = client.drafts.of(session.id);
  const waiting = client.outbox.of(session.id).map((entry) => entry.body?.content ?? "");
  const written = [...waiting, edit?.text ?? "", text].filter((one) => one.trim()).join("\n\n");
  const copy = () => {
    copyText(written).then(
      () => setCopied(true),
      () => {},
    );
  };
  return (
    <Empty level="h1" icon={<MessageCircleOff size={40} strokeWidth={1.4} />} title={what} hint={written ? t("thread.written") : undefined}>
      {written && (
        <>
          <textarea className={classes.written} readOnly rows={5} value={written} aria-label={t("thread.written")} />
          <button type="button" className={classes.back} onClick={copy}>
            {t(copied ? "message.copied" : "message.copy")}
          </button>
        </>
      )}
      <button type="button" className={classes.back} onClick={onBack}>
        {t("app.back")}
      </button>
    </Empty>
  );
}
