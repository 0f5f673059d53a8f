// Emoji to choose from: those used last, then all, or those that a word finds.
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { composing } from "../common/ime";
import { useLayer } from "../common/useLayer";
import classes from "./EmojiPicker.module.css";
import { EMOJI, type Emoji, foundEmoji, recentEmoji, rememberEmoji } from "./emoji";

const COLUMNS = 8;

export default function EmojiPicker({ onChosen, onClose }: { onChosen(emoji: string): void; onClose(): void }) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  const [sought, setSought] = useState("");
  useLayer(onClose);
  const [recent] = useState(() => recentEmoji().flatMap((one) => EMOJI.find(({ emoji }) => emoji === one) ?? []));
  const found = foundEmoji(sought);
  const searching = sought.trim() !== "";

  useEffect(() => {
    frame.current?.querySelector("input")?.focus();
    const outside = (event: PointerEvent) => {
      if (!frame.current?.parentElement?.contains(event.target as Node)) onClose();
    };
    window.addEventListener("pointerdown", outside);
    return () => window.removeEventListener("pointerdown", outside);
  }, [onClose]);

  const choose = (emoji: string) => {
    rememberEmoji(emoji);
    onClose();
    onChosen(emoji);
  };
  const pressed = (event: React.KeyboardEvent) => {
    if (composing(event)) return;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };
    const step = steps[event.key];
    const field = event.target instanceof HTMLInputElement;
    const all = [...(frame.current?.querySelectorAll("button") ?? [])];
    const at = all.indexOf(document.activeElement as HTMLButtonElement);
    if (field && event.key === "Enter") {
      if (searching && found[0]) choose(found[0].emoji);
    } else if (field && event.key === "ArrowDown") all[0]?.focus();
    else if (step === undefined || field) return;
    else if (at + step < 0) frame.current?.querySelector("input")?.focus();
    else all[at + step]?.focus();
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div ref={frame} className={classes.picker} role="dialog" data-layer="" aria-label={t("composer.emoji")} onKeyDown={pressed}>
      <input
        type="search"
        className={classes.search}
        aria-label={t("emoji.search")}
        placeholder={t("emoji.search")}
        value={sought}
        onChange={(event) => setSought(event.currentTarget.value)}
      />
      {!searching && recent.length > 0 && <Grid title={t("emoji.recent")} all={recent} onChosen={choose} />}
      {found.length > 0 ? (
        <Grid title={searching ? "" : t("emoji.all")} all={found} onChosen={choose} />
      ) : (
        <p className={classes.none} role="status">
          {t("emoji.none")}
        </p>
      )}
    </div>
  );
}

interface GridProps {
  title: string;
  all: readonly Emoji[];
  onChosen(emoji: string): void;
}

function Grid({ title, all, onChosen }: GridProps) {
  const { i18n } = useTranslation();
  const name = ({ en, zh }: Emoji) => (i18n.language === "zh" ? zh.split(" ")[0] : en);
  return (
    <section aria-label={title || undefined}>
      {title && <h3 className={classes.title}>{title}</h3>}
      <div className={classes.grid}>
        {all.map((one) => (
          <button
            key={one.emoji}
            type="button"
            className={classes.emoji}
            title={name(one)}
            aria-label={`${one.emoji} ${name(one)}`}
            onClick={() => onChosen(one.emoji)}
          >
            {one.emoji}
          </button>
        ))}
      </div>
    </section>
  );
}
