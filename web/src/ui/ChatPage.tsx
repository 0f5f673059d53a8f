// The chat: conversations at the side, one of them open, its details when asked for. On a narrow screen one pane at a time.
import { MessageCircle } from "lucide-react";
import { lazy, Suspense, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useAccount } from "../app/account";
import { useAlerts } from "../app/alerts";
import { useNarrow } from "../app/hooks";
import { useIdle } from "../app/idle";
import type { ChatClient } from "../core/client";
import classes from "./ChatPage.module.css";
import { Empty } from "./common/Empty";
import { Waiting } from "./common/Waiting";
import { Side, type SideTab } from "./shell/Side";
import { StatusLine } from "./shell/StatusLine";
import { useShortcuts } from "./shell/shortcuts";
import { ThreadPane } from "./thread/ThreadPane";

const SearchPanel = lazy(() => import("./search/SearchPanel"));

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
  useAlerts(client, sessionId);
  useIdle(client);
  useShortcuts({ client, sessionId, openSearch: () => setSearching(true), showChats: () => setTab("chats") });

  // On a narrow screen the search covers the conversation; going to a hit uncovers it.
  useEffect(() => {
    if (narrow && sessionId) setSearching(false);
  }, [narrow, sessionId]);

  const showSide = !narrow || (!sessionId && !searching);
  const showThread = !narrow || (Boolean(sessionId) && !searching);
  return (
    <div className={classes.page}>
      <StatusLine client={client} />
      <main className={classes.panes} data-narrow={narrow}>
        {showSide && (
          <Side client={client} tab={tab} setTab={setTab} sessionId={sessionId} openSearch={() => setSearching(true)} />
        )}
        {showThread && (
          <div className={classes.main}>
            {sessionId ? (
              <ThreadPane key={sessionId} client={client} sessionId={sessionId} onBack={() => go("/")} />
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
          <Suspense fallback={<Waiting />}>
            <SearchPanel client={client} sessionId={sessionId} onClose={() => setSearching(false)} />
          </Suspense>
        )}
      </main>
    </div>
  );
}
