// One open conversation: its head, its messages, the composer, and, when asked for, its details.
import { MessageCircleOff } from "lucide-react";
import { useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { Redirect } from "wouter";
import { useChanges, useNarrow } from "../../app/hooks";
import { usePrinting } from "../../app/usePrinting";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { Empty } from "../common/Empty";
import { useLayer } from "../common/useLayer";
import { Waiting } from "../common/Waiting";
import { Composer } from "../composer/Composer";
import { PrintedThread } from "./PrintedThread";
import { SelectionBar } from "./SelectionBar";
import { Gone } from "./Gone";
import { ThreadHead } from "./ThreadHead";
import classes from "./ThreadPane.module.css";
import { ThreadScroller } from "./ThreadScroller";
import { ThreadContext, useThreadActions } from "./thread-actions";
import { part } from "../common/part";

const DetailsPane = part(() => import("../group/DetailsPane"), "pane");

interface ThreadPaneProps {
  client: ChatClient;
  sessionId: string;
  onBack(): void;
}

export function ThreadPane({ client, sessionId, onBack }: ThreadPaneProps) {
  const { t } = useTranslation();
  useChanges(client.sessions);
  const session = client.sessions.get(sessionId);
  // The planned conversation was made: from now on it goes by its own id.
  if (session && session.id !== sessionId) return <Redirect to={`/s/${session.id}`} replace />;
  if (session) return <OpenThread client={client} session={session} onBack={onBack} />;
  const ended = client.sessions.gone(sessionId);
  if (ended) return <Gone client={client} ended={ended} onBack={onBack} />;
  if (!client.syncer.listed) return <Waiting />;
  return (
    <Empty icon={<MessageCircleOff size={40} strokeWidth={1.4} />} title={t("thread.gone")}>
      <button type="button" className={classes.back} onClick={onBack}>
        {t("app.back")}
      </button>
    </Empty>
  );
}

function OpenThread({ client, session, onBack }: { client: ChatClient; session: SessionStore; onBack(): void }) {
  const narrow = useNarrow();
  const [details, setDetails] = useState(false);
  const actions = useThreadActions(client, session);
  const toggle = useCallback(() => setDetails((shown) => !shown), []);

  const closeDetails = useCallback(() => setDetails(false), []);
  // On a narrow screen the conversation has an address of its own, from which Back leads to the list.
  useLayer(onBack, { active: narrow, inHistory: false });
  useLayer(closeDetails, { active: details });
  useLayer(actions.clearSelection, { active: actions.selection.size > 0 });

  const cover = narrow && details;
  const printing = usePrinting();
  return (
    <ThreadContext value={actions}>
      {printing && <PrintedThread client={client} session={session} />}
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
              <Composer client={client} session={session} />
            )}
          </section>
        )}
        {details && (
            <DetailsPane client={client} session={session} onClose={() => setDetails(false)} />
        )}
      </div>
      {actions.dialogs}
    </ThreadContext>
  );
}
