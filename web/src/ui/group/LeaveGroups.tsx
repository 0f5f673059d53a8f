// Leaves many groups at once: a user may have been added to hundreds.
import { Alert, Button, Checkbox, TextInput } from "@mantine/core";
import { Search } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { byName } from "../../core/people";
import { sessionName } from "../common/names";
import { fits } from "../common/people";
import { said } from "../common/said";
import classes from "./Group.module.css";
import picker from "./PeoplePicker.module.css";
import { Modal } from "../common/Modal";
import { useArrowList } from "../common/useArrowList";

/** So many are drawn; the choice of all is of all that fit. */
const ROWS = 200;

export default function LeaveGroups({ client, onClose }: { client: ChatClient; onClose(): void }) {
  const { t } = useTranslation();
  const list = useArrowList("input");
  const [text, setText] = useState("");
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [sure, setSure] = useState(false);
  const [left, setLeft] = useState<number | null>(null);
  const [problems, setProblems] = useState<string[]>([]);
  useChanges(client.sessions);
  const groups = client.sessions
    .all()
    .filter((one) => one.group)
    .map((one) => ({ id: one.id, name: sessionName(one, client.people) }))
    .filter((one) => fits([one.name], text))
    .sort((a, b) => byName(a.name, b.name));
  const all = groups.length > 0 && groups.every((one) => chosen.has(one.id));
  const toggle = (ids: readonly string[], on: boolean) => {
    setSure(false);
    setChosen((before) => new Set(on ? [...before, ...ids] : [...before].filter((id) => !ids.includes(id))));
  };
  const leave = async () => {
    if (!sure) return setSure(true);
    setProblems([]);
    let gone = 0;
    const refused: string[] = [];
    for (const id of chosen) {
      setLeft(gone);
      const session = client.sessions.get(id);
      const name = session ? sessionName(session, client.people) : id;
      try {
        await client.api.call("DELETE", `/api/chat/sessions/${id}/participants/${client.me}`);
        gone += 1;
        toggle([id], false);
      } catch (thrown) {
        refused.push(t("list.said", { name, text: said(thrown, t) }));
        if ((thrown as { code?: string }).code === "NETWORK") break;
      }
    }
    setLeft(null);
    setSure(false);
    setProblems(refused);
    if (refused.length === 0) onClose();
  };
  return (
    <Modal opened onClose={onClose} title={t("group.leaveMany")} closeButtonProps={{ "aria-label": t("app.close") }}>
      <div className={classes.form}>
        <TextInput
          type="search"
          aria-label={t("group.findGroup")}
          placeholder={t("group.findGroup")}
          leftSection={<Search size={16} aria-hidden="true" />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
          data-autofocus
        />
        <Checkbox
          label={t("group.allGroups", { count: groups.length })}
          checked={all}
          disabled={groups.length === 0}
          onChange={(event) => toggle(groups.map((one) => one.id), event.currentTarget.checked)}
        />
        <ul ref={list} className={picker.rows} aria-label={t("group.leaveMany")}>
          {groups.slice(0, ROWS).map((one) => (
            <li key={one.id}>
              <Checkbox
                className={picker.row}
                label={<bdi>{one.name}</bdi>}
                checked={chosen.has(one.id)}
                onChange={(event) => toggle([one.id], event.currentTarget.checked)}
              />
            </li>
          ))}
          {groups.length > ROWS && <li className={picker.none}>{t("group.moreGroups", { count: groups.length - ROWS })}</li>}
        </ul>
        {problems.length > 0 && (
          <Alert color="red" role="alert">
            {problems.slice(0, 5).map((one) => (
              <div key={one}>{one}</div>
            ))}
          </Alert>
        )}
        {sure && <Alert role="alert">{t("group.leaveManySure", { count: chosen.size })}</Alert>}
        <div className={classes.foot}>
          <span role="status">
            {left === null ? t("group.chosenGroups", { count: chosen.size }) : t("group.leaving", { count: left })}
          </span>
          <Button color="red" loading={left !== null} disabled={chosen.size === 0} onClick={() => void leave()}>
            {t("group.leaveThese", { count: chosen.size })}
          </Button>
        </div>
      </div>
    </Modal>
  );
}
