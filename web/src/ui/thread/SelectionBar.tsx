import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./ThreadPane.module.css";
import type { ThreadActions } from "./thread-actions";

/** In the composer's place while several messages are chosen. */
export function SelectionBar({ actions }: { actions: ThreadActions }) {
  const { t } = useTranslation();
  return (
    <div className={classes.selection} role="toolbar" aria-label={t("message.select")}>
      <span role="status">{t("forward.messages", { count: actions.selection.size })}</span>
      <Button variant="default" onClick={actions.clearSelection}>
        {t("app.cancel")}
      </Button>
      <Button
        variant="default"
        onClick={() => {
          actions.copy([...actions.selection.values()]);
          actions.clearSelection();
        }}
      >
        {t("message.copyMany")}
      </Button>
      <Button onClick={() => actions.forward([...actions.selection.values()])}>{t("forward.submit")}</Button>
    </div>
  );
}
