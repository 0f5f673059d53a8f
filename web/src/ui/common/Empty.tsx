import type { ReactNode } from "react";
import classes from "./common.module.css";

/** A place where there is nothing yet, and what to do about it. */
export function Empty({
  icon,
  title,
  hint,
  children,
}: {
  icon?: ReactNode;
  title: string;
  hint?: string;
  children?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      {icon && <div className={classes.emptyIcon}>{icon}</div>}
      <p className={classes.emptyTitle}>{title}</p>
      {hint && <p className={classes.emptyHint}>{hint}</p>}
      {children}
    </div>
  );
}
