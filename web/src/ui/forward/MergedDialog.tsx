// A chat record: the messages that were forwarded as one.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { Message } from "../../core/wire";
import { part } from "../common/part";
import { PersonAvatar } from "../common/Avatar";
import { personName } from "../common/names";
import { fullTime } from "../common/times";
import { Picture } from "../message/Body";
import { FileCard } from "../message/FileCard";
import { Film, isFilm } from "../message/Film";
import { Edited } from "../message/MessageRow";
import { RichText } from "../message/RichText";
import { Voice } from "../message/Voice";
import classes from "./MergedDialog.module.css";
import { Modal } from "../common/Modal";

const ImageViewer = part(() => import("../viewer/ImageViewer"), "dialog");

type One = NonNullable<Message["merged"]>[number];

export default function MergedDialog(props: { client: ChatClient; message: Message; onClose(): void }) {
  const { t } = useTranslation();
  const merged = props.message.merged ?? [];
  const [image, setImage] = useState<One | null>(null);
  const images = merged.filter((one) => one.messageType === "image");
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("message.merged", { count: merged.length })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <p className={classes.asOf}>{t("message.recordOf", { when: fullTime(props.message.createdAt) })}</p>
      <ul className={classes.rows}>
        {merged.map((one) => (
          <li key={one.messageId} className={classes.row}>
            <PersonAvatar userId={one.sender} size={32} dot={false} />
            <div className={classes.text}>
              <div className={classes.head}>
                <strong>{personName(props.client.people, one.sender)}</strong>
                <span className={classes.when}>
                  <time dateTime={one.createdAt}>{fullTime(one.createdAt)}</time>
                  <Edited at={one.editedAt} />
                </span>
              </div>
              <Part one={one} view={setImage} />
            </div>
          </li>
        ))}
      </ul>
      {image && <ImageViewer images={images} image={image} onClose={() => setImage(null)} />}
    </Modal>
  );
}

function Part({ one, view }: { one: One; view(one: One): void }) {
  switch (one.messageType) {
    case "image":
      return <Picture file={one} onOpen={() => view(one)} />;
    case "file":
      return isFilm(one.fileName) ? <Film file={one} /> : <FileCard file={one} />;
    case "voice":
      return <Voice fileUrl={one.fileUrl} fileName={one.fileName} />;
    case "text":
      return <RichText text={one.content} />;
  }
}
