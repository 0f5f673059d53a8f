// A new password for a user who forgot theirs, or whose old one is known to others.
import { Alert, Button } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useAccount } from "../../app/account";
import type { User } from "../../core/api";
import { useAdminTexts } from "../texts";
import { change } from "./accounts";
import type { Handed } from "./HandOver";
import { PasswordField } from "./PasswordField";
import { useSubmit } from "./useSubmit";
import classes from "./users.module.css";
import { Modal } from "../../ui/common/Modal";

export function PasswordDialog({ user, done, close }: { user: User; done: (notice: string, handed?: Handed) => void; close: () => void }) {
  const { t } = useAdminTexts();
  const { api } = useAccount();
  const [password, setPassword] = useState("");
  const { busy, problem, fields, run } = useSubmit();
  const name = user.realName;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!password || busy) return;
    void run(async () => {
      await change(api, user._id, { password });
      const notice = t("reset.done", { name });
      done(notice, { name, username: user.username, password, notice });
    });
  };
  return (
    <Modal opened onClose={close} title={t("reset.title", { name })} classNames={{ title: classes.dialogTitle }}
      closeButtonProps={{ "aria-label": t("form.cancel") }}>
      <form className={classes.form} onSubmit={submit} noValidate>
        {problem && (
          <Alert role="alert" className={classes.notice} data-bad>
            {problem}
          </Alert>
        )}
        <p className={classes.explain}>{t("reset.explain", { name })}</p>
        <PasswordField value={password} error={fields.password} onChange={setPassword} />
        <div className={classes.buttons}>
          <Button variant="default" onClick={close}>
            {t("form.cancel")}
          </Button>
          <Button type="submit" loading={busy} disabled={!password}>
            {t("reset.submit")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
