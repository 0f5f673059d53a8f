// One page of people; as a table on a wide screen, as cards on a phone.
import { ActionIcon, Menu } from "@mantine/core";
import { EllipsisVertical, KeyRound, LogOut, Pencil, UserCheck, UserX } from "lucide-react";
import { useAccount } from "../../app/account";
import type { User } from "../../core/api";
import { Avatar } from "../../ui/common/Avatar";
import { Unconfirmed } from "../../ui/common/Unconfirmed";
import parts from "../parts/parts.module.css";
import { useAdminTexts } from "../texts";
import type { Role } from "./accounts";
import classes from "./users.module.css";
import { LayerMenu } from "../../ui/common/LayerMenu";

export type Act = "edit" | "password" | "sessions" | "deactivate" | "activate";

const DOTS = { online: "good", away: "idle", offline: undefined } as const;

interface Props {
  users: User[];
  act: (what: Act, user: User) => void;
}

export function UserTable({ users, act }: Props) {
  const { t } = useAdminTexts();
  return (
    <div className={`${parts.scroll} ${classes.scroll}`}>
      <table className={`${parts.table} ${classes.table}`}>
        <thead>
          <tr>
            <th scope="col">{t("people.person")}</th>
            <th scope="col">{t("people.role")}</th>
            <th scope="col">{t("people.department")}</th>
            <th scope="col">{t("people.presence")}</th>
            <th scope="col" className={classes.actions}>
              <span className="visually-hidden">{t("people.edit")}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {users.map((user) => (
            <Row key={user._id} user={user} act={act} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row({ user, act }: { user: User; act: Props["act"] }) {
  const { t } = useAdminTexts();
  const self = useAccount().user?._id === user._id;
  const status = (user.status ?? "offline") as keyof typeof DOTS;
  return (
    <tr data-inactive={!user.isActive || undefined}>
      <th scope="row">
        <div className={classes.who}>
        <Avatar name={user.realName || user.username} id={user._id} size={36} picture={user.avatar} />
        <span dir="auto">
          {user.realName}
          <Unconfirmed person={user} />
          {self && <span className={classes.self}>{t("people.you")}</span>}
          {!user.isActive && <span className={classes.off}>{t("people.inactive")}</span>}
          <span className={`${parts.quiet} ${parts.small} ${classes.username}`}>{user.username}</span>
        </span>
        </div>
      </th>
      <td>
        <span className={classes.role} data-role={user.role}>
          {t(`role.${user.role as Role}`)}
        </span>
      </td>
      <td>
        {user.department || "–"}
        {user.title && <span className={`${parts.quiet} ${parts.small} ${classes.title}`}>{user.title}</span>}
      </td>
      <td>
        <span className={parts.dot} data-state={DOTS[status]} aria-hidden="true" />
        {t(`presence.${status}`)}
      </td>
      <td className={classes.actions}>
        <LayerMenu position="bottom-end" withinPortal portalProps={{ target: "main" }}>
          <Menu.Target>
            <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("people.actionsFor", { name: user.realName })}>
              <EllipsisVertical size={18} aria-hidden="true" />
            </ActionIcon>
          </Menu.Target>
          <Menu.Dropdown data-layer="">
            <Menu.Item leftSection={<Pencil size={15} aria-hidden="true" />} onClick={() => act("edit", user)}>
              {t("people.edit")}
            </Menu.Item>
            <Menu.Item leftSection={<KeyRound size={15} aria-hidden="true" />} onClick={() => act("password", user)}>
              {t("people.resetPassword")}
            </Menu.Item>
            <Menu.Item leftSection={<LogOut size={15} aria-hidden="true" />} onClick={() => act("sessions", user)}>
              {t("people.endSessions")}
            </Menu.Item>
            {user.isActive ? (
              <Menu.Item
                className={self ? undefined : classes.danger}
                leftSection={<UserX size={15} aria-hidden="true" />}
                disabled={self}
                onClick={() => act("deactivate", user)}
              >
                {t("people.deactivate")}
              </Menu.Item>
            ) : (
              <Menu.Item leftSection={<UserCheck size={15} aria-hidden="true" />} onClick={() => act("activate", user)}>
                {t("people.activate")}
              </Menu.Item>
            )}
          </Menu.Dropdown>
        </LayerMenu>
      </td>
    </tr>
  );
}
