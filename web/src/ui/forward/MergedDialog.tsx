// A chat record: the messages that were forwarded as one.
import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { Message } from "../../core/wire";
import { PersonAvatar } from "../common/Avatar";
import { personName } from "../common/names";
import { fullTime } from "../common/times";
import { FileCard, Picture } from "../message/Body";
import { RichText } from "../message/RichText";
import { Voice } from "../message/Voice";
import classes from "./MergedDialog.module.css";

type One = NonNullable<Message["merged"]>[number];

export default function MergedDialog(props: { client: ChatClient; message: Message; onClose(): void }) {
  const { t } = useTranslation();
  const merged = props.message.merged ?? [];
  return (
    <Modal
      opened
      onClose={props.onClose}
      title={t("message.merged", { count: merged.length })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <ul className={classes.rows}>
        {merged.map((one) => (
          <li key={one.messageId} className={classes.row}>
            <PersonAvatar userId={one.sender} size={32} dot={false} />
            <div className={classes.text}>
              <div className={classes.head}>
                <strong>{personName(props.client.people, one.sender)}</strong>
                <time dateTime={one.createdAt}>{fullTime(one.createdAt)}</time>
              </div>
              <Part one={one} />
            </div>
          </li>
        ))}
      </ul>
    </Modal>
  );
}

function Part({ one }: { one: One }) {
  switch (one.messageType) {
    case "image":
      return <Picture file={one} onOpen={() => {}} />;
    case "file":
      return <FileCard file={one} />;
    case "voice":
      return <Voice fileUrl={one.fileUrl} fileName={one.fileName} />;
    case "text":
      return <RichText text={one.content} />;
  }
}
