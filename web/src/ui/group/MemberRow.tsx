import { Menu } from "@mantine/core";
import { MoreVertical } from "lucide-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { usePerson } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import type { Membership } from "../../core/session-store";
import Ask from "../common/Ask";
import { PersonAvatar } from "../common/Avatar";
import { PersonLines } from "../list/FoundPeople";
import side from "../shell/Side.module.css";
import classes from "./Group.module.css";
import { LayerMenu } from "../common/LayerMenu";

interface MemberRowProps {
  client: ChatClient;
  userId: string;
  role: Membership["role"];
  /** The user's own role, which says what is offered here; the service decides all the same. */
  mine: Membership["role"];
  call(method: string, below: string, body?: unknown): Promise<boolean>;
}

const QUESTIONS = {
  owner: { title: "group.makeOwner", text: "group.makeOwnerSure" },
  admin: { title: "group.makeAdmin", text: "group.makeAdminSure" },
  member: { title: "group.makeMember", text: "group.makeMemberSure" },
  remove: { title: "group.remove", text: "group.removeSure" },
} as const;

export function MemberRow({ client, userId, role, mine, call }: MemberRowProps) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const person = usePerson(userId);
  const [asking, setAsking] = useState<Membership["role"] | "remove" | null>(null);
  if (!person) return null;
  const name = nameOf(person);
  const me = userId === client.me;
  const closed = person.isActive === false;
  const below = `/participants/${userId}`;
  // Nobody with a closed account is written to, or given a rank to act in.
  const removes = mine === "owner" || (mine === "admin" && role !== "owner");
  const write = () => go(`/s/${client.conversationWith(userId).id}`);
  const give = (to: Membership["role"], key: string) =>
    mine === "owner" && role !== to && <Menu.Item onClick={() => setAsking(to)}>{t(`group.${key}`)}</Menu.Item>;
  const answer = async () => {
    if (asking === "remove") await call("DELETE", below);
    // A group has one owner: an owner who makes another member the owner hands the group over.
    else if (asking === "owner") {
      if (await call("PATCH", below, { role: "owner" })) await call("PATCH", `/participants/${client.me}`, { role: "admin" });
    } else await call("PATCH", below, { role: asking });
    setAsking(null);
  };
  return (
    <li className={classes.member} data-closed={closed || undefined}>
      <PersonAvatar userId={userId} size={34} />
      <PersonLines person={me ? { ...person, realName: t("group.self", { name }) } : person} />
      {closed && <span className={classes.closed}>{t("presence.closed")}</span>}
      {role !== "member" && <span className={classes.memberRole}>{t(`memberRole.${role}`)}</span>}
      {!me && (!closed || removes) && (
        <LayerMenu position="bottom-end" shadow="md">
          <Menu.Target>
            <button type="button" className={side.icon} aria-label={t("group.actionsFor", { name })}>
              <MoreVertical size={18} />
            </button>
          </Menu.Target>
          <Menu.Dropdown data-layer="">
            {!closed && <Menu.Item onClick={write}>{t("group.message")}</Menu.Item>}
            {!closed && give("owner", "makeOwner")}
            {!closed && give("admin", "makeAdmin")}
            {give("member", "makeMember")}
            {removes && (
              <Menu.Item color="red" onClick={() => setAsking("remove")}>
                {t("group.remove")}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </LayerMenu>
      )}
      {asking && (
        <Ask
          title={t(QUESTIONS[asking].title)}
          text={t(QUESTIONS[asking].text, { name })}
          submit={t(QUESTIONS[asking].title)}
          danger={asking === "remove"}
          onYes={answer}
          onNo={() => setAsking(null)}
        />
      )}
    </li>
  );
}
