// Records a voice message with the browser's own recorder.
import { Check, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { duration } from "../common/times";
import { IconButton } from "../shell/Side";
import classes from "./Recorder.module.css";

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const LONGEST_MS = 5 * 60_000;

/** Hands over the recording, or null when there is none. */
export default function Recorder({ onDone }: { onDone(file: File | null): void }) {
  const { t } = useTranslation();
  const [seconds, setSeconds] = useState(0);
  const [denied, setDenied] = useState(false);
  const recorder = useRef<MediaRecorder | null>(null);
  const wanted = useRef(true);
  const done = useRef(onDone);
  done.current = onDone;

  useEffect(() => {
    let gone = false;
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    const begin = async () => {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (gone) {
        for (const track of stream.getTracks()) track.stop();
        return;
      }
      const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
      const made = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 32_000 });
      const pieces: Blob[] = [];
      const since = Date.now();
      made.ondataavailable = (event) => pieces.push(event.data);
      made.onstop = () => {
        if (gone) return;
        const took = Math.max(1, Math.round((Date.now() - since) / 1_000));
        done.current(wanted.current ? asFile(pieces, made.mimeType, took) : null);
      };
      recorder.current = made;
      made.start(1_000);
      timer = setInterval(() => {
        setSeconds((Date.now() - since) / 1_000);
        if (Date.now() - since > LONGEST_MS && made.state === "recording") made.stop();
      }, 250);
    };
    begin().catch(() => !gone && setDenied(true));
    return () => {
      gone = true;
      clearInterval(timer);
      if (recorder.current?.state === "recording") recorder.current.stop();
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
  }, []);

  const end = (keep: boolean) => {
    wanted.current = keep;
    if (recorder.current?.state === "recording") recorder.current.stop();
    else onDone(null);
  };
  return (
    <div className={classes.recorder}>
      <IconButton label={t("voice.discard")} onClick={() => end(false)}>
        <Trash2 size={20} />
      </IconButton>
      {denied ? (
        <span role="alert" className={classes.denied}>
          {t("voice.denied")}
        </span>
      ) : (
        <span className={classes.state} role="status">
          <i className={classes.dot} aria-hidden="true" />
          {t("voice.recording")}
          <span className={classes.time} aria-hidden="true">
            {duration(seconds)}
          </span>
        </span>
      )}
      {!denied && (
        <IconButton label={t("voice.stop")} onClick={() => end(true)} className={classes.done}>
          <Check size={20} />
        </IconButton>
      )}
    </div>
  );
}

function asFile(pieces: Blob[], mimeType: string, seconds: number): File {
  const type = mimeType.split(";")[0] || "audio/webm";
  const ending = type === "audio/mp4" ? "m4a" : type === "audio/ogg" ? "ogg" : "webm";
  return new File(pieces, `voice-${seconds}s.${ending}`, { type });
}
