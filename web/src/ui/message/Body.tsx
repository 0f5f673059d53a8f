// What a message says, by its kind.
import { Image as ImageIcon, Layers } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Message } from "../../core/wire";
import { personName, plainText, visibleName } from "../common/names";
import { useThread } from "../thread/thread-actions";
import classes from "./Body.module.css";
import { FileCard, type FileOf } from "./FileCard";
import { Film, isFilm } from "./Film";
import { LongText } from "./LongText";
import { useFileLink } from "./useFileLink";
import { Voice } from "./Voice";

export function Body({ message }: { message: Message }) {
  const { openMerged, view } = useThread();
  if (message.merged?.length) return <Merged message={message} onOpen={() => openMerged(message)} />;
  switch (message.messageType) {
    case "image":
      return (
        <>
          <Picture file={message} onOpen={() => view(message)} />
          {message.content && <LongText text={message.content} mentions={message.mentions} />}
        </>
      );
    case "file":
      return (
        <>
          {isFilm(message.fileName) ? <Film file={message} /> : <FileCard file={message} />}
          {message.content && <LongText text={message.content} mentions={message.mentions} />}
        </>
      );
    case "voice":
      return <Voice fileUrl={message.fileUrl} fileName={message.fileName} />;
    case "text":
      return <LongText text={message.content} mentions={message.mentions} />;
  }
}

export function Picture({ file, onOpen }: { file: FileOf; onOpen(): void }) {
  const { t } = useTranslation();
  const { link, failed, broke } = useFileLink(file.fileUrl);
  const [there, setThere] = useState(false);
  if (failed) {
    return (
      <div className={classes.missing}>
        <ImageIcon size={18} aria-hidden="true" /> <bdi>{visibleName(file.fileName)}</bdi> · {t("file.unavailable")}
      </div>
    );
  }
  return (
    <button
      type="button"
      className={classes.picture}
      data-there={there}
      onClick={onOpen}
      aria-label={t("file.open", { name: visibleName(file.fileName) })}
    >
      {link && <img src={link.thumbnailUrl ?? link.url} alt={file.fileName} onLoad={() => setThere(true)} onError={broke} />}
    </button>
  );
}

function Merged({ message, onOpen }: { message: Message; onOpen(): void }) {
  const { t } = useTranslation();
  const { client } = useThread();
  const all = message.merged ?? [];
  return (
    <button type="button" className={classes.merged} onClick={onOpen}>
      <span className={classes.mergedTitle}>
        <Layers size={15} aria-hidden="true" /> {t("message.merged", { count: all.length })}
      </span>
      {all.slice(0, 3).map((one) => (
        <span key={one.messageId} className={classes.mergedLine}>
          {t("list.said", { name: personName(client.people, one.sender), text: plainText(one, t) })}
        </span>
      ))}
    </button>
  );
}
