// A file of a message: its name, its size, and a press that downloads it.
import { Download, FileText } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { fileLink } from "../../app/files";
import type { Message } from "../../core/wire";
import { visibleName } from "../common/names";
import { fileSize } from "../common/times";
import classes from "./Body.module.css";

export type FileOf = Pick<Message, "fileUrl" | "fileName" | "fileSize">;

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
