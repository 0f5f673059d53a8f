import { Alert, Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import type { SessionInfo, User } from "../../core/api";
import type { ChatClient } from "../../core/client";
import { said } from "../common/said";
import classes from "./Group.module.css";
import { PeoplePicker } from "./PeoplePicker";
import { Modal } from "../common/Modal";

const NOBODY: ReadonlySet<string> = new Set();

/** Makes a group; closes with its id, or with nothing. */
export default function NewGroup({ client, onClose }: { client: ChatClient; onClose(made?: string): void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [chosen, setChosen] = useState<User[]>([]);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem("");
    try {
      const body = { sessionName: name.trim(), participants: chosen.map((one) => one._id) };
      const info = await client.api.call<SessionInfo>("POST", "/api/chat/sessions/group", { body });
      client.syncer.takeInfo(info);
      onClose(info._id);
    } catch (thrown) {
      setProblem(said(thrown, t));
      setBusy(false);
    }
  };
  return (
    <Modal opened onClose={() => onClose()} title={t("group.new")} closeButtonProps={{ "aria-label": t("app.close") }}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label={t("group.name")}
          placeholder={t("group.nameHint")}
          maxLength={100}
          required
          withAsterisk={false}
          data-autofocus
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <PeoplePicker client={client} chosen={chosen} setChosen={setChosen} without={NOBODY} />
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <div className={classes.foot}>
          <span role="status">{t("group.chosen", { count: chosen.length })}</span>
          <Button type="submit" loading={busy} disabled={!name.trim() || chosen.length === 0}>
            {t("group.create")}
          </Button>
        </div>
      </form>
    </Modal>
  );
}
