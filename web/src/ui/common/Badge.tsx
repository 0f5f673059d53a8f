import { useTranslation } from "react-i18next";
import classes from "./common.module.css";

/** How much is unread; grey for sessions that do not ring. */
export function Badge({ count, quiet = false }: { count: number; quiet?: boolean }) {
  const { t } = useTranslation();
  if (count <= 0) return null;
  return (
    <span className={classes.badge} data-quiet={quiet}>
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="visually-hidden">{t("list.unread", { count })}</span>
    </span>
  );
}
