// Asks before an act that interrupts a user's work, and names the consequences.
import { Alert, Button } from "@mantine/core";
import type { User } from "../../core/api";
import { Modal } from "../../ui/common/Modal";
import { useAdminTexts } from "../texts";
import { useSubmit } from "./useSubmit";
import classes from "./users.module.css";

interface SureDialogProps {
  user: User;
  /** Whose texts these are: the title, what follows, the button, and the notice afterwards. */
  texts: "deactivate" | "sessions";
  act(user: User): Promise<unknown>;
  done: (notice: string) => void;
  close: () => void;
}

export function SureDialog({ user, texts, act, done, close }: SureDialogProps) {
  const { t } = useAdminTexts();
  const { busy, problem, run } = useSubmit();
  const name = user.realName;
  const submit = () =>
    run(async () => {
      await act(user);
      done(t(`${texts}.done`, { name }));
    });
  return (
    <Modal opened onClose={close} title={t(`${texts}.title`, { name })} classNames={{ title: classes.dialogTitle }}
      closeButtonProps={{ "aria-label": t("form.cancel") }}>
      <div className={classes.form}>
        {problem && (
          <Alert role="alert" className={classes.notice} data-bad>
            {problem}
          </Alert>
        )}
        <p className={classes.explain}>{t(`${texts}.explain`, { name })}</p>
        <div className={classes.buttons}>
          <Button variant="default" onClick={close} data-autofocus>
            {t("form.cancel")}
          </Button>
          <Button className={classes.dangerButton} loading={busy} onClick={submit}>
            {t(`${texts}.submit`)}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
