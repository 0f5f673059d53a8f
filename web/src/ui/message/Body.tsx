// What a message says, by its kind.
import { Download, FileText, Image as ImageIcon, Layers } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { fileLink } from "../../app/files";
import type { Message } from "../../core/wire";
import { personName, plainText, visibleName } from "../common/names";
import { fileSize } from "../common/times";
import { useThread } from "../thread/thread-actions";
import classes from "./Body.module.css";
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
          <FileCard file={message} />
          {message.content && <LongText text={message.content} mentions={message.mentions} />}
        </>
      );
    case "voice":
      return <Voice fileUrl={message.fileUrl} fileName={message.fileName} />;
    case "text":
      return <LongText text={message.content} mentions={message.mentions} />;
  }
}

type FileOf = Pick<Message, "fileUrl" | "fileName" | "fileSize">;

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

export function FileCard({ file }: { file: FileOf }) {
  const { t } = useTranslation();
  const { api } = useAccount();
  const [failed, setFailed] = useState(false);
  const open = async () => {
    setFailed(false);
    try {
      const { url } = await fileLink(api, file.fileUrl);
      const anchor = document.createElement("a");
      anchor.href = url;
      anchor.download = file.fileName;
      anchor.rel = "noopener";
      anchor.click();
    } catch {
      setFailed(true);
    }
  };
  return (
    <button type="button" className={classes.file} onClick={() => void open()} title={t("file.download")}>
      <span className={classes.fileIcon} aria-hidden="true">
        <FileText size={22} strokeWidth={1.6} />
      </span>
      <span className={classes.fileText}>
        <bdi className={classes.fileName}>{visibleName(file.fileName)}</bdi>
        <span className={classes.fileSize}>{failed ? t("file.unavailable") : fileSize(file.fileSize)}</span>
      </span>
      <Download size={18} aria-hidden="true" />
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
