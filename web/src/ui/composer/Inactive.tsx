// In place of the field, where nobody would read what is written: the other person's account is closed.
import { copyText } from "../common/clipboard";
import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import type { Person } from "../../core/wire";
import classes from "./Composer.module.css";
import { FailedChanges } from "./FailedChanges";

export function Inactive({ client, sessionId, person }: { client: ChatClient; sessionId: string; person: Person }) {
  const { t } = useTranslation();
  const draft = useValue(client.drafts, () => client.drafts.of(sessionId));
  const text = draft.edit?.text ?? draft.text;
  return (
    <div className={classes.composer}>
      <FailedChanges client={client} sessionId={sessionId} />
      <div className={classes.inactive} role="status" data-testid="inactive">
        <span>{t("composer.inactive", { name: nameOf(person) })}</span>
        {text && (
          <Button size="xs" variant="default" onClick={() => void copyText(text)}>
            {t("composer.copyDraft")}
          </Button>
        )}
      </div>
    </div>
  );
}
