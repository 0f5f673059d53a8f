// A question before something that is not undone, saying what follows.
import { Button } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import group from "../group/Group.module.css";
import { Modal } from "./Modal";

interface AskProps {
  title: string;
  /** What follows. */
  text: string;
  submit: string;
  danger?: boolean;
  onYes(): Promise<void> | void;
  onNo(): void;
}

export default function Ask({ title, text, submit, danger = false, onYes, onNo }: AskProps) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  const yes = async () => {
    setBusy(true);
    await onYes();
  };
  return (
    <Modal opened onClose={onNo} title={title} closeButtonProps={{ "aria-label": t("app.close") }}>
      <div className={group.form}>
        <p>{text}</p>
        <div className={group.foot}>
          <Button variant="default" onClick={onNo} data-autofocus>
            {t("app.cancel")}
          </Button>
          <Button color={danger ? "red" : undefined} loading={busy} onClick={() => void yes()}>
            {submit}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
