import { FileText, Mic, Pause, Play, RotateCcw, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNow } from "../../app/hooks";
import type { Attachment } from "../../core/attachments";
import { said } from "../common/said";
import { fileSize } from "../common/times";
import { IconButton } from "../shell/Side";
import classes from "./AttachmentTray.module.css";
import type { Attachments } from "./useAttachments";

/** What is attached and not sent: how far each is, and a way to stop it. */
export function AttachmentTray({ attachments }: { attachments: Attachments }) {
  const { t } = useTranslation();
  if (attachments.all.length === 0 && attachments.refusals.length === 0) return null;
  return (
    <div className={classes.tray} data-testid="tray">
      {attachments.refusals.length > 0 && (
        <div role="alert" className={classes.problem}>
          <ul>
            {attachments.refusals.map((why) => (
              <li key={why}>{why}</li>
            ))}
          </ul>
          <IconButton label={t("app.close")} onClick={attachments.forgive}>
            <X size={16} />
          </IconButton>
        </div>
      )}
      {attachments.all.map((one) => (
        <Chip key={one.id} one={one} attachments={attachments} />
      ))}
    </div>
  );
}

/** An address for a file of this device, as long as it is drawn. */
function useObjectUrl(file: File, wanted: boolean): string {
  const [url, setUrl] = useState("");
  useEffect(() => {
    if (!wanted) return;
    const made = URL.createObjectURL(file);
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [file, wanted]);
  return wanted ? url : "";
}

function Chip({ one, attachments }: { one: Attachment; attachments: Attachments }) {
  const { t } = useTranslation();
  const [undrawn, setUndrawn] = useState(false);
  const { name } = one.file;
  const picture = useObjectUrl(one.file, one.kind === "image" && !undrawn);
  return (
    <div className={classes.chip} data-failed={Boolean(one.problem)} data-testid="attachment" data-kind={one.kind}>
      {one.kind === "voice" ? (
        <Listen file={one.file} />
      ) : picture ? (
        <img src={picture} alt="" className={classes.preview} onError={() => setUndrawn(true)} />
      ) : (
        <span className={classes.icon} aria-hidden="true">
          <FileText size={18} />
        </span>
      )}
      <span className={classes.text}>
        <bdi className={classes.name}>{one.kind === "voice" ? t("message.voice") : name}</bdi>
        <Below one={one} />
        {!one.uploaded && !one.problem && !one.waiting && (
          <progress className={classes.bar} max={100} value={Math.round(one.progress * 100)} aria-label={name} />
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

function Below({ one }: { one: Attachment }) {
  const { t } = useTranslation();
  const now = useNow(1_000, one.busyUntil !== undefined);
  const words = () => {
    if (one.problem) return `${t("composer.uploadFailed")}: ${said(one.problem, t)}`;
    if (one.uploaded) return fileSize(one.file.size);
    if (!one.waiting) return t("composer.uploading", { percent: Math.round(one.progress * 100) });
    const seconds = Math.ceil(((one.busyUntil ?? 0) - now) / 1_000);
    return one.busyUntil ? t("error.busy", { seconds: Math.max(seconds, 1) }) : t("composer.uploadWaiting");
  };
  return (
    <span className={classes.below} role={one.problem ? "alert" : undefined}>
      {words()}
    </span>
  );
}

/** A recording is heard before it is sent. */
function Listen({ file }: { file: File }) {
  const { t } = useTranslation();
  const url = useObjectUrl(file, true);
  const audio = useRef<HTMLAudioElement>(null);
  const [playing, setPlaying] = useState(false);
  const toggle = () => {
    const player = audio.current;
    if (!player) return;
    if (player.paused) void player.play().catch(() => setPlaying(false));
    else player.pause();
  };
  return (
    <span className={classes.icon}>
      {url && (
        <audio
          ref={audio}
          src={url}
          onPlay={() => setPlaying(true)}
          onPause={() => setPlaying(false)}
          onEnded={() => setPlaying(false)}
        />
      )}
      <IconButton label={t(playing ? "voice.pause" : "voice.listen")} onClick={toggle}>
        {playing ? <Pause size={18} /> : url ? <Play size={18} /> : <Mic size={18} />}
      </IconButton>
    </span>
  );
}
