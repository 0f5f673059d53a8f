import { useTranslation } from "react-i18next";
import classes from "./common.module.css";

/** How much is unread; grey for sessions that do not ring. */
export function Badge({ count, quiet = false, label }: { count: number; quiet?: boolean; label?: string }) {
  const { t } = useTranslation();
  if (count <= 0) return null;
  return (
    <span className={classes.badge} data-badge data-quiet={quiet}>
      <span aria-hidden="true">{count > 99 ? "99+" : count}</span>
      <span className="visually-hidden">{label ?? t("list.unread", { count })}</span>
    </span>
  );
}
