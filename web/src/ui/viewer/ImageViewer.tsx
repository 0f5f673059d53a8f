// A picture on the whole window, and the way to the conversation's other pictures that are loaded.
import { ChevronLeft, ChevronRight, Download, RotateCw, X, ZoomIn, ZoomOut } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "../../core/wire";
import { visibleName } from "../common/names";
import { Waiting } from "../common/Waiting";
import { useFileLink } from "../message/useFileLink";
import classes from "./ImageViewer.module.css";
import { useZoom } from "./useZoom";
import { Modal } from "../common/Modal";

/** A picture that is shown: a message's, or one of a chat record. */
export type Shown = Pick<Message, "fileUrl" | "fileName">;

interface ViewerProps {
  /** Where the other pictures are. */
  images: readonly Shown[];
  image: Shown;
  onClose(): void;
}

export default function ImageViewer(props: ViewerProps) {
  const { t } = useTranslation();
  const [images] = useState(props.images);
  const [at, setAt] = useState(() => Math.max(0, images.indexOf(props.image)));
  const shown = images[at] ?? props.image;
  const stage = useRef<HTMLDivElement>(null);
  const { place, zoom, turn, handlers, large } = useZoom(stage, shown.fileUrl);
  const { link, failed, broke } = useFileLink(shown.fileUrl);

  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.key === "ArrowLeft") setAt((before) => Math.max(0, before - 1));
      if (event.key === "ArrowRight") setAt((before) => Math.min(images.length - 1, before + 1));
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, [images]);

  return (
    <Modal
      opened
      onClose={props.onClose}
      fullScreen
      withCloseButton={false}
      padding={0}
      radius={0}
      attributes={{ content: { "aria-label": t("file.viewer") } }}
      classNames={{ body: classes.body, content: classes.content }}
    >
      <div className={classes.bar}>
        <span className={classes.name}>{visibleName(shown.fileName)}</span>
        <button type="button" className={classes.button} onClick={() => zoom(1 / 1.4)} disabled={!large} aria-label={t("file.smaller")} title={t("file.smaller")}>
          <ZoomOut size={20} />
        </button>
        <button type="button" className={classes.button} onClick={() => zoom(1.4)} aria-label={t("file.larger")} title={t("file.larger")}>
          <ZoomIn size={20} />
        </button>
        <button type="button" className={classes.button} onClick={turn} aria-label={t("file.turn")} title={t("file.turn")}>
          <RotateCw size={20} />
        </button>
        {link && (
          <a
            className={classes.button}
            href={link.url}
            download={shown.fileName}
            aria-label={t("file.download")}
            title={t("file.download")}
          >
            <Download size={20} />
          </a>
        )}
        <button
          type="button"
          className={classes.button}
          onClick={props.onClose}
          aria-label={t("app.close")}
          title={t("app.close")}
          data-autofocus
        >
          <X size={22} />
        </button>
      </div>
      <div ref={stage} className={classes.stage} data-large={large}>
        {failed ? (
          <p>{t("file.unavailable")}</p>
        ) : link ? (
          <button
            type="button"
            className={classes.picture}
            {...handlers}
            aria-label={t("file.zoom")}
            aria-pressed={large}
          >
            <img
              src={link.url}
              alt={shown.fileName}
              draggable={false}
              onError={broke}
              data-turned={place.turns % 2 === 1}
              data-scale={place.scale.toFixed(2)}
              style={{ transform: `translate(${place.x}px, ${place.y}px) scale(${place.scale}) rotate(${place.turns * 90}deg)` }}
            />
          </button>
        ) : (
          <Waiting />
        )}
      </div>
      {at > 0 && (
        <button
          type="button"
          className={`${classes.button} ${classes.previous}`}
          onClick={() => setAt(at - 1)}
          aria-label={t("file.previous")}
        >
          <ChevronLeft size={28} />
        </button>
      )}
      {at < images.length - 1 && (
        <button
          type="button"
          className={`${classes.button} ${classes.next}`}
          onClick={() => setAt(at + 1)}
          aria-label={t("file.next")}
        >
          <ChevronRight size={28} />
        </button>
      )}
    </Modal>
  );
}
