// A picture on the whole window, and the way to the conversation's other pictures that are loaded.
import { Modal } from "@mantine/core";
import { ChevronLeft, ChevronRight, Download, X } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { Waiting } from "../common/Waiting";
import { useFileLink } from "../message/useFileLink";
import classes from "./ImageViewer.module.css";

export default function ImageViewer(props: { session: SessionStore; message: Message; onClose(): void }) {
  const { t } = useTranslation();
  const [images] = useState(() =>
    props.session.timeline.all().filter((one) => one.messageType === "image" && !one.isDeleted),
  );
  const [at, setAt] = useState(() =>
    Math.max(
      0,
      images.findIndex((one) => one._id === props.message._id),
    ),
  );
  const [large, setLarge] = useState(false);
  const shown = images[at] ?? props.message;
  const { link, failed } = useFileLink(shown.fileUrl);

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
        <span className={classes.name}>{shown.fileName}</span>
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
      <div className={classes.stage} data-large={large}>
        {failed ? (
          <p>{t("file.unavailable")}</p>
        ) : link ? (
          <button
            type="button"
            className={classes.picture}
            onClick={() => setLarge(!large)}
            aria-label={t("file.zoom")}
            aria-pressed={large}
          >
            <img src={link.url} alt={shown.fileName} />
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
