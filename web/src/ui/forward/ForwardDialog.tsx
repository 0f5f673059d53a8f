// To whom messages go on, and whether one by one or as one record.
import { Alert, Button, Checkbox, Modal, SegmentedControl, TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { Message } from "../../core/wire";
import { Avatar } from "../common/Avatar";
import { sessionName } from "../common/names";
import { said } from "../common/said";
import group from "../group/Group.module.css";
import picker from "../group/PeoplePicker.module.css";

const TARGETS = 20;

interface ForwardProps {
  client: ChatClient;
  messages: Message[];
  onClose(sent: boolean): void;
}

export default function ForwardDialog({ client, messages, onClose }: ForwardProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [mode, setMode] = useState<"each" | "merged">("each");
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  // One request, however often the button has to be pressed: the service knows it by this.
  const key = useRef(crypto.randomUUID());
  useChanges(client.sessions);
  const sought = text.trim().toLowerCase();
  const sessions = client.sessions
    .all()
    .filter((one) => sessionName(one, client.people).toLowerCase().includes(sought));

  const toggle = (id: string) =>
    setChosen((before) =>
      before.includes(id) ? before.filter((one) => one !== id) : [...before, id].slice(0, TARGETS),
    );
  const submit = async () => {
    setBusy(true);
    setProblem("");
    const messageIds = [...messages].sort((a, b) => a.seq - b.seq).map((one) => one._id);
    try {
      const body = { messageIds, toSessionIds: chosen, mode, clientMsgId: key.current };
      await client.api.call("POST", "/api/chat/messages/forward", { body });
      onClose(true);
    } catch (thrown) {
      setProblem(said(thrown, t));
      setBusy(false);
    }
  };
  return (
    <Modal
      opened
      onClose={() => onClose(false)}
      title={t("forward.titleMany", { count: messages.length })}
      closeButtonProps={{ "aria-label": t("app.close") }}
    >
      <div className={group.form}>
        {messages.length > 1 && (
          <SegmentedControl
            aria-label={t("forward.title")}
            value={mode}
            onChange={(value) => setMode(value as "each" | "merged")}
            data={(["each", "merged"] as const).map((value) => ({ value, label: t(`forward.${value}`) }))}
          />
        )}
        <TextInput
          type="search"
          aria-label={t("list.find")}
          placeholder={t("list.find")}
          leftSection={<Search size={16} aria-hidden="true" />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-autofocus
        />
        <ul className={picker.rows} aria-label={t("forward.to")}>
          {sessions.slice(0, 200).map((one) => {
            const name = sessionName(one, client.people);
            return (
              <li key={one.id}>
                <Checkbox
                  className={picker.row}
                  checked={chosen.includes(one.id)}
                  onChange={() => toggle(one.id)}
                  label={
                    <span className={picker.person}>
                      <Avatar name={name} size={34} group={one.group} />
                      <span>{name}</span>
                    </span>
                  }
                />
              </li>
            );
          })}
        </ul>
        {problem && (
          <Alert color="red" role="alert">
            {problem}
          </Alert>
        )}
        <div className={group.foot}>
          <span role="status">{t("forward.selected", { count: chosen.length })}</span>
          <Button loading={busy} disabled={chosen.length === 0} onClick={() => void submit()}>
            {t("forward.submit")}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
