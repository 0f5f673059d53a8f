// The keys and what they do; every one of them works where this says.
import { useTranslation } from "react-i18next";
import classes from "./SettingsDialog.module.css";
import { Modal } from "../common/Modal";

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);
const MAIN = APPLE ? "⌘" : "Ctrl";

const KEYS = [
  ["find", `${MAIN} K`],
  ["search", `${MAIN} Shift F`],
  ["next", "Alt ↓"],
  ["previous", "Alt ↑"],
  ["rows", "↑ ↓"],
  ["ends", "Home End"],
  ["actions", "Enter"],
  ["send", "Enter"],
  ["newline", "Shift Enter"],
  ["edit", "↑"],
  ["esc", "Esc"],
  ["keys", "?"],
] as const;

export function Keys() {
  const { t } = useTranslation();
  return (
    <section aria-label={t("settings.shortcuts")}>
      <h3 className={classes.heading}>{t("settings.shortcuts")}</h3>
      <dl className={classes.keys}>
        {KEYS.map(([name, keys]) => (
          <div key={name} className={classes.key}>
            <dt>{t(`shortcuts.${name}`)}</dt>
            <dd>
              <kbd>{keys}</kbd>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The list alone, as `?` shows it. */
export default function KeysDialog({ onClose }: { onClose(): void }) {
  const { t } = useTranslation();
  return (
    <Modal
      opened
      onClose={onClose}
      title={t("settings.shortcuts")}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <Keys />
    </Modal>
  );
}
