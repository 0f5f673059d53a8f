// What stands in the place of a part that did not come or broke. A dialog's is the browser's own: nothing may be needed for it
// that could be missing, too, and the first load need not have Mantine's.
import { Button } from "@mantine/core";
import { type ReactNode, useLayoutEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import classes from "./common.module.css";
import { Empty } from "./Empty";
import { useLayer } from "./useLayer";

/** What of the page a part is. */
export type PartKind = "page" | "pane" | "dialog" | "inline";

interface TroubleProps {
  kind: PartKind;
  title: string;
  /** The buttons that help. */
  children: ReactNode;
  onClose?: () => void;
}

export function Trouble({ kind, title, children, onClose }: TroubleProps) {
  const { t } = useTranslation();
  const said = (
    <div role="alert">
      <Empty level={kind === "page" ? "h1" : "p"} title={title}>
        {children}
        {onClose && (
          <Button variant="default" onClick={onClose}>
            {t("app.close")}
          </Button>
        )}
      </Empty>
    </div>
  );
  return kind === "dialog" ? <Dialog onClose={() => onClose?.()}>{said}</Dialog> : said;
}

function Dialog({ onClose, children }: { onClose(): void; children: ReactNode }) {
  const { t } = useTranslation();
  const element = useRef<HTMLDialogElement>(null);
  useLayer(onClose);
  useLayoutEffect(() => element.current?.showModal(), []);
  return (
    <dialog
      ref={element}
      role="dialog"
      aria-modal="true"
      aria-label={t("part.title")}
      data-layer=""
      className={classes.trouble}
      // Escape is the layers' business.
      onCancel={(event) => event.preventDefault()}
    >
      {children}
    </dialog>
  );
}
