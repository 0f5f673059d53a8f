// One open conversation: its head, its messages, the composer, and, when asked for, its details.
import { MessageCircleOff } from "lucide-react";
import { lazy, Suspense, useCallback, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges, useNarrow } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { Empty } from "../common/Empty";
import { Waiting } from "../common/Waiting";
import { Composer } from "../composer/Composer";
import { SelectionBar } from "./SelectionBar";
import { ThreadHead } from "./ThreadHead";
import classes from "./ThreadPane.module.css";
import { ThreadScroller } from "./ThreadScroller";
import { ThreadContext, useThreadActions } from "./thread-actions";

const DetailsPane = lazy(() => import("../group/DetailsPane"));

interface ThreadPaneProps {
  client: ChatClient;
  sessionId: string;
  onBack(): void;
}

export function ThreadPane({ client, sessionId, onBack }: ThreadPaneProps) {
  const { t } = useTranslation();
  useChanges(client.sessions);
  const session = client.sessions.get(sessionId);
  if (session) return <OpenThread client={client} session={session} onBack={onBack} />;
  if (!client.syncer.listed) return <Waiting />;
  return (
    <Empty icon={<MessageCircleOff size={40} strokeWidth={1.4} />} title={t("thread.gone")}>
      <button type="button" className={classes.back} onClick={onBack}>
        {t("app.back")}
      </button>
    </Empty>
  );
}

/** What the composer is doing beside writing something new. */
export interface Mode {
  replyTo?: Message;
  editing?: Message;
}

function OpenThread({ client, session, onBack }: { client: ChatClient; session: SessionStore; onBack(): void }) {
  const narrow = useNarrow();
  const [details, setDetails] = useState(false);
  const [mode, setMode] = useState<Mode>({});
  const actions = useThreadActions(client, session, setMode);
  const toggle = useCallback(() => setDetails((shown) => !shown), []);

  useEffect(() => {
    // A dialog's Escape is the dialog's; it is gone when the event arrives here, so look before it takes it.
    let covered = false;
    const look = () => {
      covered = document.querySelector("[role=dialog],[role=menu]") !== null;
    };
    const pressed = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || event.defaultPrevented || event.isComposing || covered) return;
      if (actions.selection.size > 0) actions.clearSelection();
      else if (details) setDetails(false);
      else if (narrow) onBack();
    };
    window.addEventListener("keydown", look, true);
    window.addEventListener("keydown", pressed);
    return () => {
      window.removeEventListener("keydown", look, true);
      window.removeEventListener("keydown", pressed);
    };
  }, [actions, details, narrow, onBack]);

  const cover = narrow && details;
  return (
    <ThreadContext value={actions}>
      <div className={classes.open}>
        {!cover && (
          <section className={classes.thread}>
            <ThreadHead
              client={client}
              session={session}
              details={details}
              toggleDetails={toggle}
              onBack={narrow ? onBack : undefined}
            />
            <ThreadScroller client={client} session={session} />
            {actions.selection.size > 0 ? (
              <SelectionBar actions={actions} />
            ) : (
              <Composer client={client} session={session} mode={mode} setMode={setMode} />
            )}
          </section>
        )}
        {details && (
          <Suspense fallback={<Waiting />}>
            <DetailsPane client={client} session={session} onClose={() => setDetails(false)} />
          </Suspense>
        )}
      </div>
      {actions.dialogs}
    </ThreadContext>
  );
}
