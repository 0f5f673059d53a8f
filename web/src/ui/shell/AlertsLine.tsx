// Asks once on a device whether what is new may ring there. Browsers show their own question only after a touch.
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { abilities } from "../../app/abilities";
import { deviceSettings } from "../../app/device-settings";
import { useValue } from "../../app/hooks";
import classes from "./StatusLine.module.css";

export function AlertsLine() {
  const { t } = useTranslation();
  const asked = useValue(deviceSettings, () => deviceSettings.get("asked"));
  const [open, setOpen] = useState(() => abilities.alerts && Notification.permission === "default");
  if (asked || !open) return null;
  const done = () => {
    deviceSettings.set("asked", true);
    setOpen(false);
  };
  return (
    <section className={classes.line} data-state="asking" aria-label={t("settings.notifications")}>
      <span>{t("notify.ask")}</span>
      <button type="button" className={classes.again} onClick={() => void Notification.requestPermission().then(done, done)}>
        {t("settings.notifyAsk")}
      </button>
      <button type="button" className={classes.again} onClick={done}>
        {t("notify.later")}
      </button>
    </section>
  );
}
