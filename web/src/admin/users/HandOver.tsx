// The password that was just set for a user: shown once, to be copied, printed and handed over.
import { Alert, Button } from "@mantine/core";
import { Copy, Printer } from "lucide-react";
import { useState } from "react";
import { copyText } from "../../ui/common/clipboard";
import { useAdminTexts } from "../texts";
import classes from "./users.module.css";
import { Modal } from "../../ui/common/Modal";

export interface Handed {
  name: string;
  username: string;
  password: string;
  /** What was done. */
  notice: string;
}

export function HandOver({ handed, close }: { handed: Handed; close: () => void }) {
  const { t } = useAdminTexts();
  const [word, setWord] = useState("");
  const copy = () =>
    void copyText(handed.password).then(
      () => setWord(t("handOver.copied")),
      () => setWord(t("handOver.notCopied")),
    );
  return (
    <Modal
      opened
      onClose={close}
      // By hand only: it cannot be shown a second time.
      closeOnClickOutside={false}
      closeOnEscape={false}
      withCloseButton={false}
      title={handed.notice}
      classNames={{ title: classes.dialogTitle }}
    >
      <div className={classes.form}>
        <div data-print-only className={classes.sheet}>
          <p>
            <strong dir="auto">{handed.name}</strong>
          </p>
          <dl>
            <dt>{t("form.username")}</dt>
            <dd>{handed.username}</dd>
            <dt>{t("form.password")}</dt>
            <dd className={classes.secret} data-testid="handed-password">
              {handed.password}
            </dd>
          </dl>
          <p>{t("handOver.first")}</p>
        </div>
        <Alert className={classes.notice} role="status">
          {word || t("handOver.once")}
        </Alert>
        <div className={classes.buttons}>
          <Button variant="default" leftSection={<Copy size={16} aria-hidden="true" />} onClick={copy} data-autofocus>
            {t("handOver.copy")}
          </Button>
          <Button variant="default" leftSection={<Printer size={16} aria-hidden="true" />} onClick={() => window.print()}>
            {t("handOver.print")}
          </Button>
          <Button onClick={close}>{t("handOver.close")}</Button>
        </div>
      </div>
    </Modal>
  );
}
