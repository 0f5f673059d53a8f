// How far one of our messages has come; opens who has read it and when.
import { Check, CheckCheck } from "lucide-react";
import { useTranslation } from "react-i18next";
import classes from "./StatusMark.module.css";

export function StatusMark({ status, group, onOpen }: { status: string; group: boolean; onOpen(): void }) {
  const { t } = useTranslation();
  const [name = "sent", count = "0"] = status.split(":");
  const label = name === "read" && group ? t("message.readBy", { count: Number(count) }) : t(`message.${name}`);
  return (
    <button
      type="button"
      className={classes.mark}
      data-status={name}
      title={label}
      aria-label={label}
      onClick={onOpen}
      data-testid="status"
    >
      {name === "sent" ? <Check size={14} /> : <CheckCheck size={14} />}
      {name === "read" && group && <span aria-hidden="true">{count}</span>}
    </button>
  );
}
