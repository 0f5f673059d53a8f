import { useEffect } from "react";
import classes from "./Toast.module.css";

/** A word that goes by itself; read out by screen readers. */
export function Toast({ text, onGone }: { text: string; onGone(): void }) {
  useEffect(() => {
    if (!text) return;
    const timer = setTimeout(onGone, 5_000);
    return () => clearTimeout(timer);
  }, [text, onGone]);
  return (
    <div role="status" className={classes.place}>
      {text && (
        <button type="button" className={classes.toast} onClick={onGone}>
          {text}
        </button>
      )}
    </div>
  );
}
