// A conversation's messages, however many: only what is on screen exists. A row's place follows from its `seq`, so any
// message can be jumped to, loaded or not; what is not loaded shows as an outline and is fetched when it comes into view.
import { ArrowDown, ArrowUp } from "lucide-react";
import { type KeyboardEvent, useCallback, useState } from "react";
import { useTranslation } from "react-i18next";
import { useDrawn } from "../../app/alerts";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { useOneStop } from "../common/useOneStop";
import { Boundary } from "../common/Boundary";
import { Badge } from "../common/Badge";
import { composing } from "../common/ime";
import { Empty } from "../common/Empty";
import { madeText } from "../common/names";
import { part } from "../common/part";
import { fullTime } from "../common/times";
import { Waiting } from "../common/Waiting";
import { MessageRow } from "../message/MessageRow";
import rowClasses from "../message/MessageRow.module.css";
import { PendingRow } from "../message/PendingRow";
import type { RowMenuAt } from "../message/RowMenu";
import { SkeletonRow } from "../message/SkeletonRow";
import { Announcer } from "./Announcer";
import { copied, selectedRows } from "./copied";
import { rowContext, statusOf } from "./rows";
import classes from "./ThreadScroller.module.css";
import { useThread } from "./thread-actions";
import { useThreadScroll } from "./useThreadScroll";

const RowMenu = part(() => import("../message/RowMenu"), "inline");

export function ThreadScroller({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  useChanges(session);
  useChanges(client.outbox);
  useChanges(client.people);
  // The list and its place are made when it is known how far this person has read.
  if (!session.positioned) return <Waiting />;
  if (session.head === session.timeline.hiddenSeq && client.outbox.of(session.id).length === 0) {
    return (
      <div className={classes.frame}>
        <Empty
          title={t("thread.empty")}
          hint={session.group ? madeText(session.document, client.people, client.me, t) : undefined}
        />
      </div>
    );
  }
  return <Rows client={client} session={session} />;
}

function Rows({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  const { selection, jump } = useThread();
  const [menu, setMenu] = useState<RowMenuAt | null>(null);
  useChanges(client.people);
  useDrawn(session.id);
  const scroll = useThreadScroll(client, session);
  useOneStop(scroll.scroller, "[data-row]");
  jump.to = scroll.jump;
  const { rows, items, total, first, pending, unreadFrom, marked } = scroll;
  const openMenu = useCallback((at: RowMenuAt) => setMenu(at), []);
  const problem = client.history.problems.get(session.id);

  /** The keyboard's way to the menu: a row is focused by arrow keys, Enter opens it. */
  const menuOf = (row: HTMLElement, seq: number) => {
    const message = session.timeline.get(seq);
    const box = row.querySelector("[data-bubble]")?.getBoundingClientRect();
    if (!message || !box) return;
    // A menu that is put up within the key's own event closes with it at once.
    requestAnimationFrame(() => setMenu({ message, x: box.left, y: box.bottom, focusBack: row }));
  };
  const pressed = (event: KeyboardEvent<HTMLElement>) => {
    if (event.altKey || event.ctrlKey || event.metaKey || composing(event)) return;
    const row = (event.target as HTMLElement).dataset.row;
    if (row && (event.key === "Enter" || event.key === "ContextMenu")) menuOf(event.target as HTMLElement, Number(row));
    else if (event.key === "End") scroll.toLatest();
    else if (event.key === "Home") scroll.jump(first, false);
    else if (event.key === "ArrowUp" || event.key === "ArrowDown") scroll.step(event.key === "ArrowUp" ? -1 : 1);
    else return;
    event.preventDefault();
  };

  return (
    <div className={classes.frame}>
      {problem && (
        <div className={classes.problem} role="alert">
          {t("thread.failed")}
          <button type="button" onClick={scroll.reload}>
            {t("app.retry")}
          </button>
        </div>
      )}
      <section
        ref={scroll.scroller}
        className={classes.scroller}
        // What scrolls has to be reached by the keyboard
        tabIndex={0}
        aria-label={t("thread.label")}
        onScroll={scroll.scrolled}
        onKeyDown={pressed}
        onCopy={(event) => {
          const messages = selectedRows(event.currentTarget).map((seq) => session.timeline.get(seq));
          const several = messages.filter((one) => one !== undefined);
          if (several.length < 2) return;
          event.clipboardData.setData("text/plain", copied(several, client.people, client.me, t));
          event.preventDefault();
        }}
        data-testid="thread"
      >
        <ol className={classes.rows} style={{ height: total }}>
          {items.map((item) => {
            const seq = first + item.index;
            const message = session.timeline.get(seq);
            const waiting = pending[item.index - (session.head - first + 1)];
            const around = rowContext(session, seq, message, waiting, client.me);
            return (
              <li
                key={item.key}
                ref={rows.measureElement}
                data-index={item.index}
                data-row={seq}
                data-marked={marked === seq}
                tabIndex={-1}
                className={classes.row}
                style={{ transform: `translateY(${item.start}px)` }}
              >
                {seq === 1 && session.group && (
                  <p className={rowClasses.system} title={fullTime(session.document.createdAt)}>
                    {madeText(session.document, client.people, client.me, t)}
                  </p>
                )}
                <Boundary kind="row">
                {seq > session.head && waiting ? (
                  <PendingRow entry={waiting} client={client} session={session} day={around.day} lead={around.lead} />
                ) : message ? (
                  <MessageRow
                    message={message}
                    session={session}
                    client={client}
                    day={around.day}
                    lead={around.lead}
                    unreadHere={seq === unreadFrom}
                    status={statusOf(session, message, client.me)}
                    selected={selection.size > 0 ? selection.has(message._id) : undefined}
                    openMenu={openMenu}
                  />
                ) : (
                  <SkeletonRow seq={seq} />
                )}
                </Boundary>
              </li>
            );
          })}
        </ol>
      </section>
      {scroll.leftOut !== null && (
        <div className={classes.leftOut}>
          <button type="button" onClick={() => scroll.leftOut !== null && scroll.jump(scroll.leftOut, false)}>
            <ArrowUp size={15} aria-hidden="true" /> {t("thread.unreadAbove", { count: session.unread })}
          </button>
          <button type="button" onClick={() => client.reading.seen(session.id, session.head)}>
            {t("thread.markRead")}
          </button>
        </div>
      )}
      {scroll.away && (
        <button type="button" className={classes.latest} onClick={scroll.toLatest} title={t("thread.toLatest")}>
          <ArrowDown size={18} aria-hidden="true" />
          <span className="visually-hidden">{t("thread.toLatest")}</span>
          <Badge count={session.unread} />
        </button>
      )}
      <Announcer client={client} session={session} />
      {menu && <RowMenu at={menu} onClose={() => setMenu(null)} />}
    </div>
  );
}
