import type { ReactNode } from "react";
import classes from "./common.module.css";

/** A place where there is nothing yet, and what to do about it. */
export function Empty({
  icon,
  title,
  hint,
  level: Title = "p",
  children,
}: {
  icon?: ReactNode;
  title: string;
  hint?: string;
  /** A heading where the page has no other. */
  level?: "p" | "h1";
  children?: ReactNode;
}) {
  return (
    <div className={classes.empty}>
      {icon && <div className={classes.emptyIcon}>{icon}</div>}
      <Title className={classes.emptyTitle}>{title}</Title>
      {hint && <p className={classes.emptyHint}>{hint}</p>}
      {children}
    </div>
  );
}
