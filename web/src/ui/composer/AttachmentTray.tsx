import { FileText, Mic, RotateCcw, X } from "lucide-react";
import { useTranslation } from "react-i18next";
import type { Attachment } from "../../app/attachments";
import { said } from "../common/said";
import { fileSize } from "../common/times";
import { IconButton } from "../shell/Side";
import classes from "./AttachmentTray.module.css";
import type { Attachments } from "./useAttachments";

/** What is attached and not sent: how far each is, and a way to stop it. */
export function AttachmentTray({ attachments }: { attachments: Attachments }) {
  if (attachments.all.length === 0 && !attachments.problem) return null;
  return (
    <div className={classes.tray}>
      {attachments.problem && (
        <p role="alert" className={classes.problem}>
          {attachments.problem}
        </p>
      )}
      {attachments.all.map((one) => (
        <Chip key={one.id} one={one} attachments={attachments} />
      ))}
    </div>
  );
}

function Chip({ one, attachments }: { one: Attachment; attachments: Attachments }) {
  const { t } = useTranslation();
  const percent = Math.round(one.progress * 100);
  const { name } = one.file;
  const below = one.problem
    ? `${t("composer.uploadFailed")}: ${said(one.problem, t)}`
    : one.uploaded
      ? fileSize(one.file.size)
      : t("composer.uploading", { percent });
  return (
    <div className={classes.chip} data-failed={Boolean(one.problem)} data-testid="attachment">
      {one.preview ? (
        <img src={one.preview} alt="" className={classes.preview} />
      ) : (
        <span className={classes.icon} aria-hidden="true">
          {one.kind === "voice" ? <Mic size={18} /> : <FileText size={18} />}
        </span>
      )}
      <span className={classes.text}>
        <span className={classes.name}>{name}</span>
        <span className={classes.below} role={one.problem ? "alert" : undefined}>
          {below}
        </span>
        {!one.uploaded && !one.problem && (
          <progress className={classes.bar} max={100} value={percent} aria-label={name} />
        )}
      </span>
      {one.problem && (
        <IconButton label={t("composer.uploadRetry", { name })} onClick={() => attachments.retry(one.id)}>
          <RotateCcw size={16} />
        </IconButton>
      )}
      <IconButton label={t("composer.uploadCancel", { name })} onClick={() => attachments.remove(one.id)}>
        <X size={16} />
      </IconButton>
    </div>
  );
}
