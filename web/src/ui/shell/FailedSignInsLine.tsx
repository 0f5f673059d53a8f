// Shows once, after the sign-in, that sign-ins to the account failed.
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { fullTime } from "../common/times";
import classes from "./StatusLine.module.css";

export function FailedSignInsLine() {
  const { t } = useTranslation();
  const { failedSignIns: failed, dismissFailedSignIns } = useAccount();
  if (!failed) return null;
  return (
    <section className={classes.line} data-state="asking" aria-label={t("signin.failedTitle")}>
      <span>{t("signin.failed", { count: failed.count, since: fullTime(failed.since) })}</span>
      <button type="button" className={classes.again} onClick={dismissFailedSignIns}>
        {t("app.close")}
      </button>
    </section>
  );
}
