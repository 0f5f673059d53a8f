// The chat: conversations at the side, one of them open, its details when asked for. On a narrow screen one pane at a time.
import { MessageCircle } from "lucide-react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useAccount } from "../app/account";
import { useNarrow, useValue } from "../app/hooks";
import type { ChatClient } from "../core/client";
import classes from "./ChatPage.module.css";
import { Empty } from "./common/Empty";
import { Waiting } from "./common/Waiting";
import { Side, type SideTab } from "./shell/Side";
import { StatusLine } from "./shell/StatusLine";
import { useShortcuts } from "./shell/shortcuts";
import { ThreadPane } from "./thread/ThreadPane";
import { Boundary } from "./common/Boundary";
import { fetchAhead, part } from "./common/part";
import { AlertsLine } from "./shell/AlertsLine";
import { FailedSignInsLine } from "./shell/FailedSignInsLine";

const KeysDialog = part(() => import("./shell/Keys"), "dialog");
const SearchPanel = part(() => import("./search/SearchPanel"), "pane");

export default function ChatPage({ sessionId }: { sessionId?: string }) {
  const { client } = useAccount();
  // The core is made right after the first drawing.
  return client ? <Panes client={client} sessionId={sessionId} /> : <Waiting />;
}

function Panes({ client, sessionId }: { client: ChatClient; sessionId?: string }) {
  const { t } = useTranslation();
  const [, go] = useLocation();
  const narrow = useNarrow();
  const [tab, setTab] = useState<SideTab>("chats");
  const [searching, setSearching] = useState(false);
  const [mentions, setMentions] = useState(false);
  const openSearch = (mine = false) => {
    setMentions(mine);
    setSearching(true);
  };
  const [keys, setKeys] = useState(false);
  useShortcuts({ client, sessionId, openSearch, showChats: () => setTab("chats"), showKeys: () => setKeys(true) });

  // What may be wanted when there is no network any more.
  const live = useValue(client.connection, () => client.connection.live);
  useEffect(() => (live ? fetchAhead() : undefined), [live]);

  // On a narrow screen the search covers the conversation; going to a hit uncovers it.
  useEffect(() => {
    if (narrow && sessionId) setSearching(false);
  }, [narrow, sessionId]);

  const showSide = !narrow || (!sessionId && !searching);
  const showThread = !narrow || (Boolean(sessionId) && !searching);
  return (
    <div className={classes.page}>
      <StatusLine client={client} />
      <FailedSignInsLine />
      <AlertsLine />
      <main className={classes.panes} data-narrow={narrow}>
        {showSide && (
          <Side
            client={client}
            tab={tab}
            setTab={setTab}
            sessionId={sessionId}
            openSearch={() => openSearch()}
            openMentions={() => openSearch(true)}
          />
        )}
        {showThread && (
          <div className={classes.main}>
            {sessionId ? (
              <Boundary key={sessionId} kind="pane" onClose={() => go("/")}>
                <ThreadPane client={client} sessionId={sessionId} onBack={() => go("/")} />
              </Boundary>
            ) : (
              <Empty
                level="h1"
                icon={<MessageCircle size={44} strokeWidth={1.4} />}
                title={t("thread.choose")}
                hint={t("thread.chooseHint")}
              />
            )}
          </div>
        )}
        {searching && (
            <SearchPanel client={client} sessionId={sessionId} mentions={mentions} onClose={() => setSearching(false)} />
        )}
      </main>
      {keys && (
          <KeysDialog onClose={() => setKeys(false)} />
      )}
    </div>
  );
}
