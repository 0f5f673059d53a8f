// A small set of emoji that people at work use; whoever needs another has their keyboard's.
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import classes from "./EmojiPicker.module.css";

const EMOJI =
  "👍 👎 👌 🙏 👏 💪 🤝 ✋ 👋 ✌️ 🫡 🙌 🙂 😀 😄 😅 😂 🤣 😊 😉 😍 🥰 😘 😎 🤔 🤨 😐 😬 😴 🥱 😷 🤒 🤕 🤢 🥵 🥶 😮 😳 😢 😭 😤 😡 😱 😇 🥳 🫠 ❤️ 💙 💚 💛 💔 🔥 ✨ ⭐ 🎉 🎂 🌹 💐 ☕ 🍵 🍎 ✅ ❌ ❗ ❓ ⚠️ 🚨 🆘 ⏰ ⏳ 📌 📎 📋 📝 📞 🔔 🔕 🔒 🩺 💉 💊 🩹 🩸 🩻 🧪 🧬 🦠 🫀 🫁 🧠 🦴 🦷 👁️ 👂 🛏️ 🚑 🏥 👨‍⚕️ 👩‍⚕️ 👶 👵 👴 🤰 ♿ 🌡️ ➡️ ⬅️ ⬆️ ⬇️ 1️⃣ 2️⃣ 3️⃣".split(
    " ",
  );
const COLUMNS = 8;

export default function EmojiPicker({ onChosen, onClose }: { onChosen(emoji: string): void; onClose(): void }) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => {
    frame.current?.querySelector("button")?.focus();
    const outside = (event: PointerEvent) => {
      if (!frame.current?.parentElement?.contains(event.target as Node)) onClose();
    };
    window.addEventListener("pointerdown", outside);
    return () => window.removeEventListener("pointerdown", outside);
  }, [onClose]);

  const pressed = (event: React.KeyboardEvent) => {
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: COLUMNS, ArrowUp: -COLUMNS };
    const step = steps[event.key];
    if (event.key === "Escape") onClose();
    else if (step === undefined) return;
    else {
      const all = [...(frame.current?.querySelectorAll("button") ?? [])];
      all[all.indexOf(document.activeElement as HTMLButtonElement) + step]?.focus();
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const choose = (emoji: string) => {
    onChosen(emoji);
    onClose();
  };
  return (
    <div ref={frame} className={classes.picker} role="dialog" aria-label={t("composer.emoji")} onKeyDown={pressed}>
      {EMOJI.map((emoji) => (
        <button key={emoji} type="button" className={classes.emoji} onClick={() => choose(emoji)}>
          {emoji}
        </button>
      ))}
    </div>
  );
}
