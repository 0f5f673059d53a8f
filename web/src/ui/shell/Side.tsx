// The side pane: who one is, where one can go, and conversations or the directory.
import { BookUser, MessageSquare, Search, Settings, ShieldCheck } from "lucide-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useAccount } from "../../app/account";
import { useChanges, useNarrow, usePerson } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import { PersonAvatar } from "../common/Avatar";
import { Badge } from "../common/Badge";
import { SessionsPane } from "../list/SessionsPane";
import classes from "./Side.module.css";
import { part } from "../common/part";

const DirectoryPane = part(() => import("../directory/DirectoryPane"), "pane");
const SettingsDialog = part(() => import("./SettingsDialog"), "dialog");

export type SideTab = "chats" | "directory";

interface SideProps {
  client: ChatClient;
  tab: SideTab;
  setTab(tab: SideTab): void;
  sessionId: string | undefined;
  openSearch(): void;
  openMentions(): void;
}

export function Side({ client, tab, setTab, sessionId, openSearch, openMentions }: SideProps) {
  const { t } = useTranslation();
  const { user } = useAccount();
  const me = usePerson(client.me);
  const [settings, setSettings] = useState(false);
  const narrow = useNarrow();
  useChanges(client.sessions);
  useChanges(client.connection);
  return (
    <div className={classes.side}>
      {narrow && <h1 className="visually-hidden">{t("nav.chats")}</h1>}
      <header className={classes.head}>
        <PersonAvatar userId={client.me} size={38} dot={client.connection.live} />
        <div className={classes.who}>
          <div className={classes.name}>{me && nameOf(me)}</div>
          <div className={classes.title}>{[me?.department, me?.title].filter(Boolean).join(" · ")}</div>
        </div>
        <IconButton label={t("nav.search")} onClick={openSearch}>
          <Search size={19} />
        </IconButton>
        <IconButton label={t("nav.settings")} onClick={() => setSettings(true)}>
          <Settings size={19} />
        </IconButton>
      </header>
      <nav className={classes.tabs} aria-label={t("app.name")}>
        <Tab chosen={tab === "chats"} onClick={() => setTab("chats")} icon={<MessageSquare size={16} />}>
          {t("nav.chats")}
          <Badge count={client.sessions.unread} />
        </Tab>
        <Tab chosen={tab === "directory"} onClick={() => setTab("directory")} icon={<BookUser size={16} />}>
          {t("nav.directory")}
        </Tab>
        {user?.role === "admin" && (
          <Link href="/admin" className={classes.tab}>
            <ShieldCheck size={16} aria-hidden="true" />
            {t("nav.admin")}
          </Link>
        )}
      </nav>
      {tab === "chats" ? (
        <SessionsPane
          client={client}
          sessionId={sessionId}
          openDirectory={() => setTab("directory")}
          openMentions={openMentions}
        />
      ) : (
          <DirectoryPane client={client} onChosen={() => setTab("chats")} />
      )}
      {settings && (
          <SettingsDialog client={client} onClose={() => setSettings(false)} />
      )}
    </div>
  );
}

function Tab(props: { chosen: boolean; onClick(): void; icon: ReactNode; children: ReactNode }) {
  return (
    <button
      type="button"
      className={classes.tab}
      aria-current={props.chosen ? "page" : undefined}
      onClick={props.onClick}
    >
      <span aria-hidden="true" className={classes.tabIcon}>
        {props.icon}
      </span>
      {props.children}
    </button>
  );
}

/** A button that is only a picture; its label is what a screen reader says and what the mouse shows. */
export function IconButton(props: {
  label: string;
  onClick(): void;
  children: ReactNode;
  pressed?: boolean;
  disabled?: boolean;
  className?: string;
}) {
  return (
    <button
      type="button"
      className={props.className ? `${classes.icon} ${props.className}` : classes.icon}
      aria-label={props.label}
      aria-pressed={props.pressed}
      title={props.label}
      disabled={props.disabled}
      onClick={props.onClick}
    >
      {props.children}
    </button>
  );
}
