import { Loader } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./common.module.css";

/** Something is on its way. */
export function Waiting({ label }: { label?: string }) {
  const { t } = useTranslation();
  return (
    <div className={classes.waiting} role="status">
      <Loader size="sm" />
      <span>{label ?? t("app.loading")}</span>
    </div>
  );
}
