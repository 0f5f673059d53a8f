// Sends somebody away; asked twice, because it takes effect in the middle of their work.
import { Alert, Button, Modal } from "@mantine/core";
import { useAccount } from "../../app/account";
import type { User } from "../../core/api";
import { useAdminTexts } from "../texts";
import { change } from "./accounts";
import { useSubmit } from "./useSubmit";
import classes from "./users.module.css";

export function DeactivateDialog({ user, done, close }: { user: User; done: (notice: string) => void; close: () => void }) {
  const { t } = useAdminTexts();
  const { api } = useAccount();
  const { busy, problem, run } = useSubmit();
  const name = user.realName;
  const submit = () =>
    run(async () => {
      await change(api, user._id, { isActive: false });
      done(t("deactivate.done", { name }));
    });
  return (
    <Modal opened onClose={close} title={t("deactivate.title", { name })} classNames={{ title: classes.dialogTitle }}
      closeButtonProps={{ "aria-label": t("form.cancel") }}>
      <div className={classes.form}>
        {problem && (
          <Alert role="alert" className={classes.notice} data-bad>
            {problem}
          </Alert>
        )}
        <p className={classes.explain}>{t("deactivate.explain", { name })}</p>
        <div className={classes.buttons}>
          <Button variant="default" onClick={close} data-autofocus>
            {t("form.cancel")}
          </Button>
          <Button className={classes.dangerButton} loading={busy} onClick={submit}>
            {t("deactivate.submit")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
