// What is answered or edited, above the field, as it is now: it may have changed since the answer was begun.
import { Pencil, Reply, X } from "lucide-react";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { Draft } from "../../core/draft";
import type { SessionStore } from "../../core/session-store";
import { personName, plainText } from "../common/names";
import { IconButton } from "../shell/Side";
import classes from "./Composer.module.css";

interface ModeLineProps {
  client: ChatClient;
  session: SessionStore;
  draft: Draft;
  onCancel(): void;
}

export function ModeLine({ client, session, draft, onCancel }: ModeLineProps) {
  const { t } = useTranslation();
  const pointed = draft.edit ?? draft.replyTo;
  const message = useValue(session, () => (pointed ? session.timeline.find(pointed.id) : undefined));
  const seq = pointed?.seq;
  useEffect(() => {
    if (!message && seq) void client.history.ensure(session, seq, seq);
  }, [client, session, message, seq]);
  const name = message ? personName(client.people, message.sender) : "…";
  const gone = message?.isDeleted;
  // Written anew since this answer, or this edit on another device, was begun.
  const changed = pointed?.base !== undefined && message && !gone && message.content !== pointed.base;
  return (
    <div className={classes.mode}>
      {draft.edit ? <Pencil size={16} aria-hidden="true" /> : <Reply size={16} aria-hidden="true" />}
      <div className={classes.modeText}>
        <strong>{draft.edit ? t("composer.editing") : t("composer.replying", { name })}</strong>
        <span role={gone ? "alert" : undefined}>
          {gone ? t(draft.edit ? "composer.editGone" : "composer.replyGone") : message ? plainText(message, t) : t("app.loading")}
        </span>
        {changed && <span role="alert">{t(draft.edit ? "composer.editChanged" : "composer.replyChanged")}</span>}
      </div>
      <IconButton label={t(draft.edit ? "composer.cancelEdit" : "composer.cancelReply")} onClick={onCancel}>
        <X size={18} />
      </IconButton>
    </div>
  );
}
