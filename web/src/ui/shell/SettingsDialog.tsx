// Language, looks, notifications, the keys, and the way out.
import { Alert, Button, type MantineColorScheme, SegmentedControl, Switch, useMantineColorScheme } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../app/account";
import { useMedia } from "../../app/hooks";
import { useEnterSends } from "../../app/preferences";
import type { ChatClient } from "../../core/client";
import { AccountSettings } from "../account/AccountSettings";
import { LanguageChoice } from "../common/LanguageChoice";
import { AlertSettings } from "./AlertSettings";
import { Keys } from "./Keys";
import classes from "./SettingsDialog.module.css";
import { Modal } from "../common/Modal";

export default function SettingsDialog({ client, onClose }: { client: ChatClient; onClose(): void }) {
  const { t } = useTranslation();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [enterSends, setEnterSends] = useEnterSends();
  const touch = useMedia("(hover: none)");
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
        <AlertSettings />
        <div className={classes.row}>
          <Switch
            label={t("settings.enterSends")}
            description={t("settings.enterSendsHint")}
            checked={enterSends}
            onChange={(event) => setEnterSends(event.currentTarget.checked)}
          />
        </div>
        <AccountSettings client={client} />
        {!touch && <Keys />}
        <SignOut client={client} />
      </div>
    </Modal>
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
