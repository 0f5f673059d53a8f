// A voice message: play, pause, and where in it. One speaks at a time.
import { Pause, Play } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { fileLink } from "../../app/files";
import { duration } from "../common/times";
import classes from "./Voice.module.css";

let speaking: HTMLAudioElement | null = null;

/** The recorder writes the length into the name (`voice-12s.webm`): what browsers record carries none of its own. */
export function secondsOf(fileName: string): number {
  return Number(/-(\d{1,5})s\.[a-z0-9]+$/.exec(fileName)?.[1] ?? 0);
}

export function Voice({ fileUrl, fileName }: { fileUrl: string; fileName: string }) {
  const { t } = useTranslation();
  const { api } = useAccount();
  const audio = useRef<HTMLAudioElement | null>(null);
  const [playing, setPlaying] = useState(false);
  const [at, setAt] = useState(0);
  const [length, setLength] = useState(() => secondsOf(fileName));
  const [failed, setFailed] = useState(false);

  useEffect(() => () => audio.current?.pause(), []);

  const load = async () => {
    const { url } = await fileLink(api, fileUrl);
    const made = new Audio(url);
    made.ontimeupdate = () => setAt(made.currentTime);
    made.onpause = () => setPlaying(false);
    made.onplay = () => setPlaying(true);
    made.onended = () => setAt(0);
    made.onerror = () => setFailed(true);
    made.ondurationchange = () => {
      if (Number.isFinite(made.duration)) setLength(made.duration);
    };
    audio.current = made;
    return made;
  };
  const toggle = async () => {
    setFailed(false);
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
      setFailed(true);
    }
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
        <span className={classes.failed}>{t("file.unavailable")}</span>
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
