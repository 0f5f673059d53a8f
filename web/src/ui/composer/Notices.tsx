// What the service said beside doing what was asked.
import { X } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { Warning } from "../../core/notices";
import { personName } from "../common/names";
import { IconButton } from "../shell/Side";
import classes from "./Composer.module.css";

export function Notices({ client, sessionId }: { client: ChatClient; sessionId: string }) {
  const { t } = useTranslation();
  const warnings = useValue(client.notices, () => client.notices.of(sessionId));
  const words = ({ code, userIds = [] }: Warning) => {
    const names = userIds.map((id) => personName(client.people, id)).join(t("app.comma"));
    if (code === "MENTION_INACTIVE") return t("composer.mentionInactive", { names, count: userIds.length });
    return code === "NO_ACTIVE_RECIPIENT" ? t("composer.nobodyActive") : "";
  };
  const lines = warnings.map(words).filter(Boolean);
  if (lines.length === 0) return null;
  return (
    <div className={classes.offer} role="status" data-testid="notice">
      <span>{lines.join(" ")}</span>
      <IconButton label={t("app.close")} onClick={() => client.notices.dismiss(sessionId)}>
        <X size={16} />
      </IconButton>
    </div>
  );
}
