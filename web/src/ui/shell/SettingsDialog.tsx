// Language, looks, notifications, the keys, and the way out.
import { Alert, Button, type MantineColorScheme, Modal, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import type { ChatClient } from "../../core/client";
import { LanguageChoice } from "../common/LanguageChoice";
import classes from "./SettingsDialog.module.css";

const KEYS = [
  ["find", "Ctrl K"],
  ["search", "Ctrl Shift F"],
  ["next", "Alt ↓"],
  ["previous", "Alt ↑"],
  ["send", "Enter"],
  ["newline", "Shift Enter"],
  ["edit", "↑"],
  ["esc", "Esc"],
] as const;

export default function SettingsDialog({ client, onClose }: { client: ChatClient; onClose(): void }) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Modal opened onClose={onClose} title={t("settings.title")} closeButtonProps={{ "aria-label": t("app.close") }}>
      <div className={classes.rows}>
        <div className={classes.row}>
          <span>{t("settings.language")}</span>
          <LanguageChoice />
        </div>
        <div className={classes.row}>
          <span>{t("settings.theme")}</span>
          <SegmentedControl
            size="xs"
            aria-label={t("settings.theme")}
            value={colorScheme}
            onChange={(value) => setColorScheme(value as MantineColorScheme)}
            data={(["auto", "light", "dark"] as const).map((value) => ({ value, label: t(`settings.${value}`) }))}
          />
        </div>
        <div className={classes.row}>
          <span>{t("settings.notifications")}</span>
          <Notifications />
        </div>
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
        <SignOut client={client} />
      </div>
    </Modal>
  );
}

function Notifications() {
  const { t } = useTranslation();
  const [permission, setPermission] = useState(() => ("Notification" in window ? Notification.permission : "none"));
  if (permission === "none") return <span className={classes.quiet}>{t("settings.notifyNone")}</span>;
  if (permission === "granted") return <span className={classes.quiet}>{t("settings.notifyOn")}</span>;
  if (permission === "denied") return <span className={classes.quiet}>{t("settings.notifyDenied")}</span>;
  return (
    <Button size="xs" variant="light" onClick={() => void Notification.requestPermission().then(setPermission)}>
      {t("settings.notifyAsk")}
    </Button>
  );
}

function SignOut({ client }: { client: ChatClient }) {
  const { t } = useTranslation();
  const { signOut } = useAccount();
  const [sure, setSure] = useState(false);
  const [busy, setBusy] = useState(false);
  const unsent = client.outbox.size;
  const leave = () => {
    if (unsent > 0 && !sure) {
      setSure(true);
      return;
    }
    setBusy(true);
    void signOut();
  };
  return (
    <div className={classes.out}>
      {sure && (
        <Alert color="red" variant="light" role="alert">
          {t("settings.signOutUnsent", { count: unsent })}
        </Alert>
      )}
      <Button
        variant={sure ? "filled" : "default"}
        color={sure ? "red" : undefined}
        loading={busy}
        onClick={leave}
        fullWidth
      >
        {t(sure ? "settings.signOutAnyway" : "settings.signOut")}
      </Button>
    </div>
  );
}
