// What rings on this device, and how much of it is shown; or why nothing can.
import { Button, Switch } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { abilities } from "../../app/abilities";
import { useAccount } from "../../app/account";
import { type DeviceSetting, deviceSettings } from "../../app/device-settings";
import { useChanges } from "../../app/hooks";
import { chime } from "../../app/sound";
import classes from "./SettingsDialog.module.css";

export function AlertSettings() {
  const { t } = useTranslation();
  const { organisation } = useAccount();
  useChanges(deviceSettings);
  const choice = (name: DeviceSetting, label: string, also?: () => void) => (
    <Switch
      label={label}
      checked={deviceSettings.get(name)}
      onChange={(event) => {
        deviceSettings.set(name, event.currentTarget.checked);
        if (event.currentTarget.checked) also?.();
      }}
    />
  );
  return (
    <>
      <div className={classes.row}>
        <span>{t("settings.notifications")}</span>
        <Permission />
      </div>
      {!abilities.secure && <p className={classes.quiet}>{t("settings.needsHttps")}</p>}
      {choice("sound", t("settings.sound"), chime)}
      {abilities.alerts && organisation.notifyContentMax === "text" && choice("alertText", t("settings.alertText"))}
    </>
  );
}

function Permission() {
  const { t } = useTranslation();
  const [permission, setPermission] = useState(() => (abilities.alerts ? Notification.permission : "none"));
  if (permission === "none") {
    return <span className={classes.quiet}>{t(abilities.secure ? "settings.notifyNone" : "settings.notifyInsecure")}</span>;
  }
  if (permission === "granted") return <span className={classes.quiet}>{t("settings.notifyOn")}</span>;
  if (permission === "denied") return <span className={classes.quiet}>{t("settings.notifyDenied")}</span>;
  return (
    <Button size="xs" variant="light" onClick={() => void Notification.requestPermission().then(setPermission)}>
      {t("settings.notifyAsk")}
    </Button>
  );
}
