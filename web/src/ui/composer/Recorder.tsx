// Records a voice message with the browser's own recorder. What was recorded is kept from second to second: another
// conversation, a reload or the end of the sign-in find it attached.
import { Check, SendHorizontal, Trash2 } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { AttachmentStore } from "../../core/attachments";
import { newId } from "../../core/ids";
import { duration } from "../common/times";
import { IconButton } from "../shell/Side";
import classes from "./Recorder.module.css";

const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const LONGEST_MS = 5 * 60_000;

type Wanted = "keep" | "send" | "drop";

interface RecorderProps {
  store: AttachmentStore;
  sessionId: string;
  /** It is attached, or there is none; `send` says to send it at once. */
  onDone(send: boolean): void;
}

export default function Recorder({ store, sessionId, onDone }: RecorderProps) {
  const { t } = useTranslation();
  const [seconds, setSeconds] = useState(0);
  const [denied, setDenied] = useState<"" | "denied" | "missing">("");
  const recorder = useRef<MediaRecorder | null>(null);
  const wanted = useRef<Wanted>("keep");
  const done = useRef(onDone);
  done.current = onDone;

  useEffect(() => {
    let gone = false;
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setInterval> | undefined;
    const release = () => {
      clearInterval(timer);
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    const begin = async () => {
      stream = await navigator.mediaDevices.getUserMedia({ audio: true });
      if (gone) {
        release();
        return;
      }
      const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
      const made = new MediaRecorder(stream, { mimeType, audioBitsPerSecond: 32_000 });
      const id = newId();
      const pieces: Blob[] = [];
      const since = performance.now();
      const soFar = () => asFile(pieces, made.mimeType, Math.max(1, Math.round((performance.now() - since) / 1_000)));
      made.ondataavailable = (event) => {
        if (event.data.size > 0) pieces.push(event.data);
        if (wanted.current !== "drop" && pieces.length && made.state === "recording") {
          store.keepRecording(sessionId, id, soFar());
        }
      };
      made.onstop = () => {
        release();
        if (wanted.current === "drop" || pieces.length === 0) store.dropRecording(id);
        else store.addRecording(sessionId, id, soFar());
        if (!gone) done.current(wanted.current === "send");
      };
      recorder.current = made;
      made.start(1_000);
      timer = setInterval(() => {
        setSeconds((performance.now() - since) / 1_000);
        if (performance.now() - since > LONGEST_MS && made.state === "recording") made.stop();
      }, 250);
    };
    if (navigator.mediaDevices === undefined || typeof MediaRecorder === "undefined") setDenied("missing");
    else begin().catch(() => !gone && setDenied("denied"));
    return () => {
      // One looks elsewhere, or is signed out: what was said is attached where it was said.
      gone = true;
      if (recorder.current?.state === "recording") recorder.current.stop();
      else release();
    };
  }, [store, sessionId]);

  const end = (how: Wanted) => {
    wanted.current = how;
    if (recorder.current?.state === "recording") recorder.current.stop();
    else onDone(false);
  };
  return (
    <div className={classes.recorder}>
      <IconButton label={t("voice.discard")} onClick={() => end("drop")}>
        <Trash2 size={20} />
      </IconButton>
      {denied ? (
        <span role="alert" className={classes.denied}>
          {t(denied === "missing" ? "voice.missing" : "voice.denied")}
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
        <>
          <IconButton label={t("voice.stop")} onClick={() => end("keep")} className={classes.done}>
            <Check size={20} />
          </IconButton>
          <IconButton label={t("composer.send")} onClick={() => end("send")} className={classes.done}>
            <SendHorizontal size={20} />
          </IconButton>
        </>
      )}
    </div>
  );
}

function asFile(pieces: Blob[], mimeType: string, seconds: number): File {
  const type = mimeType.split(";")[0] || "audio/webm";
  const ending = type === "audio/mp4" ? "m4a" : type === "audio/ogg" ? "ogg" : "webm";
  return new File(pieces, `voice-${seconds}s.${ending}`, { type });
}
