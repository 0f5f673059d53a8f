import { useTranslation } from "react-i18next";
import { useHovering } from "../../app/drops";
import classes from "./DropNote.module.css";

/** While files hover over a page that has no place for them: where they may go. */
export function DropNote() {
  const { t } = useTranslation();
  const hovering = useHovering();
  if (hovering !== "nowhere") return null;
  return (
    <div role="status" className={classes.note}>
      {t("composer.dropNowhere")}
    </div>
  );
}
