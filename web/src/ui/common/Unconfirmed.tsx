import { useTranslation } from "react-i18next";
import type { Standing } from "../../core/api";
import classes from "./common.module.css";

/** Marks the name of a user who registered themselves, until an administrator confirms the account. */
export function Unconfirmed({ person }: { person: Standing | undefined }) {
  const { t } = useTranslation();
  if (!person?.selfRegistered) return null;
  return (
    <span className={classes.unconfirmed} title={t("app.unconfirmedHint")} data-testid="unconfirmed">
      {t("app.unconfirmed")}
    </span>
  );
}
