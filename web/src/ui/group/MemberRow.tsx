import { Menu } from "@mantine/core";
import { MoreVertical } from "lucide-react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { usePerson } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import type { Seat } from "../../core/session-store";
import { PersonAvatar } from "../common/Avatar";
import { said } from "../common/said";
import { PersonLines } from "../list/FoundPeople";
import side from "../shell/Side.module.css";
import classes from "./Group.module.css";

interface MemberRowProps {
  client: ChatClient;
  userId: string;
  role: Seat["role"];
  /** One's own role, which says what may be done here; the service decides all the same. */
  mine: Seat["role"];
  call(method: string, below: string, body?: unknown): Promise<boolean>;
  /** Shows why something did not work. */
  complain(problem: string): void;
}

export function MemberRow({ client, userId, role, mine, call, complain }: MemberRowProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const person = usePerson(userId);
  if (!person) return null;
  const name = nameOf(person);
  const me = userId === client.me;
  const below = `/participants/${userId}`;
  const removes = mine === "owner" || (mine === "admin" && role !== "owner");
  const write = async () => {
    try {
      go(`/s/${(await client.openPrivate(userId)).id}`);
    } catch (thrown) {
      complain(said(thrown, t));
    }
  };
  const give = (to: Seat["role"], key: string) =>
    mine === "owner" &&
    role !== to && <Menu.Item onClick={() => void call("PATCH", below, { role: to })}>{t(`group.${key}`)}</Menu.Item>;
  return (
    <li className={classes.member}>
      <PersonAvatar userId={userId} size={34} />
      <PersonLines person={me ? { ...person, realName: `${name} (${t("app.you")})` } : person} />
      {role !== "member" && <span className={classes.seat}>{t(`seat.${role}`)}</span>}
      {!me && (
        <Menu position="bottom-end" shadow="md">
          <Menu.Target>
            <button type="button" className={side.icon} aria-label={t("group.actionsFor", { name })}>
              <MoreVertical size={18} />
            </button>
          </Menu.Target>
          <Menu.Dropdown>
            <Menu.Item onClick={() => void write()}>{t("group.message")}</Menu.Item>
            {give("owner", "makeOwner")}
            {give("admin", "makeAdmin")}
            {give("member", "makeMember")}
            {removes && (
              <Menu.Item color="red" onClick={() => void call("DELETE", below)}>
                {t("group.remove")}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </Menu>
      )}
    </li>
  );
}
