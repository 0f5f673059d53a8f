// A voice message: play, pause, and where in it. One speaks at a time.
import { Pause, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { fileLink, forgetLink } from "../../app/files";
import { duration } from "../common/times";
import classes from "./Voice.module.css";

let speaking: HTMLAudioElement | null = null;

/** The recorder writes the length into the name (`voice-12s.webm`): what browsers record carries none of its own. */
export function secondsOf(fileName: string): number {
  return Number(/-(\d{1,5})s\.[a-z0-9]+$/.exec(fileName)?.[1] ?? 0);
}

/** Whether the file is not to be had, or this device cannot play it: it has no sound output, or not this format. */
async function why(url: string): Promise<"gone" | "unplayable"> {
  try {
    const answer = await fetch(url, { headers: { Range: "bytes=0-0" }, credentials: "omit" });
    await answer.body?.cancel();
    return answer.ok ? "unplayable" : "gone";
  } catch {
    return "gone";
  }
}

export function Voice({ fileUrl, fileName }: { fileUrl: string; fileName: string }) {
  const { t } = useTranslation();
  const { api } = useAccount();
  const audio = useRef<HTMLAudioElement | null>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(() => secondsOf(fileName));
  const [failed, setFailed] = useState<"" | "gone" | "unplayable">("");
  const link = useRef("");

  useEffect(() => () => audio.current?.pause(), []);

  const load = async () => {
    const { url } = await fileLink(api, fileUrl);
    link.current = url;
    const made = new Audio(url);
    made.ontimeupdate = () => setAt(made.currentTime);
    made.onpause = () => setPlaying(false);
    made.onplay = () => setPlaying(true);
    made.onended = () => setAt(0);
    made.onerror = () => void why(url).then(setFailed);
    made.ondurationchange = () => {
      if (Number.isFinite(made.duration)) setLength(made.duration);
    };
    audio.current = made;
    return made;
  };
  const toggle = async () => {
    setFailed("");
    try {
      const player = audio.current ?? (await load());
      if (!player.paused) {
        player.pause();
        return;
      }
      if (speaking !== player) speaking?.pause();
      speaking = player;
      await player.play();
    } catch {
      audio.current = null;
      setFailed(await why(link.current));
      forgetLink(fileUrl);
    }
  };
  const download = async () => {
    const { url } = await fileLink(api, fileUrl);
    const anchor = document.createElement("a");
    anchor.href = url;
    anchor.download = fileName;
    anchor.click();
  };
  const seek = (to: number) => {
    setAt(to);
    if (audio.current) audio.current.currentTime = to;
  };

  return (
    <div className={classes.voice}>
      <button
        type="button"
        className={classes.play}
        aria-label={t(playing ? "voice.pause" : "voice.play")}
        onClick={() => void toggle()}
      >
        {playing ? <Pause size={18} /> : <Play size={18} />}
      </button>
      {failed ? (
        <span className={classes.failed} role="alert">
          {t(failed === "gone" ? "file.unavailable" : "voice.unplayable")}
          {failed === "unplayable" && (
            <button type="button" className={classes.download} onClick={() => void download().catch(() => setFailed("gone"))}>
              {t("file.download")}
            </button>
          )}
        </span>
      ) : (
        <input
          type="range"
          className={classes.place}
          aria-label={t("voice.position")}
          min={0}
          max={Math.max(length, 1)}
          step={0.1}
          value={Math.min(at, length || at)}
          onChange={(event) => seek(Number(event.currentTarget.value))}
        />
      )}
      <span className={classes.time}>{duration(playing || at > 0 ? at : length)}</span>
    </div>
  );
}
