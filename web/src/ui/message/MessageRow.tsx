// One message: who and when at the head of a run, what it says, and how far it has come.
import { MoreHorizontal, Reply, SmilePlus } from "lucide-react";
import { type MouseEvent, memo } from "react";
import { useTranslation } from "react-i18next";
import { usePerson } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { PersonAvatar } from "../common/Avatar";
import { systemText } from "../common/names";
import { clockTime, dayName, fullTime } from "../common/times";
import { useThread } from "../thread/thread-actions";
import { Body } from "./Body";
import classes from "./MessageRow.module.css";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import type { RowMenuAt } from "./RowMenu";
import { StatusMark } from "./StatusMark";

export interface MessageRowProps {
  message: Message;
  session: SessionStore;
  client: ChatClient;
  day: string | number | null;
  lead: boolean;
  unreadHere: boolean;
  status: string;
  /** Undefined while nothing is being chosen. */
  selected: boolean | undefined;
  openMenu(at: RowMenuAt): void;
}

export const MessageRow = memo(function MessageRow(props: MessageRowProps) {
  const { message, client, day, unreadHere } = props;
  const { t } = useTranslation();
  return (
    <>
      {day !== null && <DayLine at={day} />}
      {unreadHere && (
        <div className={classes.unread}>
          <span>{t("thread.unreadFrom")}</span>
        </div>
      )}
      {message.system ? (
        <p className={classes.system}>{systemText(message, client.people, client.me, t)}</p>
      ) : message.isDeleted ? (
        <Tombstone {...props} />
      ) : (
        <Said {...props} />
      )}
    </>
  );
});

export function DayLine({ at }: { at: string | number }) {
  const { t } = useTranslation();
  return (
    <div className={classes.day}>
      <span>{dayName(at, t)}</span>
    </div>
  );
}

function Tombstone({ message, client }: MessageRowProps) {
  const { t } = useTranslation();
  const person = usePerson(message.sender);
  const own = message.sender === client.me;
  const text = !message.recalledAt
    ? t("message.deleted")
    : own
      ? t("message.recalledByYou")
      : t("message.recalled", { name: person ? nameOf(person) : "…" });
  return (
    <p className={classes.tombstone} title={fullTime(message.updatedAt)}>
      {text}
    </p>
  );
}

function Said(props: MessageRowProps) {
  const { message, session, client, lead, status, selected, openMenu } = props;
  const { t } = useTranslation();
  const thread = useThread();
  const person = usePerson(message.sender);
  const own = message.sender === client.me;
  const name = person ? nameOf(person) : "…";

  const menuAt = (event: MouseEvent, element?: Element | null) => {
    event.preventDefault();
    const box = (element ?? (event.currentTarget as Element)).getBoundingClientRect();
    const point =
      element === undefined && "clientX" in event
        ? { x: event.clientX, y: event.clientY }
        : { x: box.left, y: box.bottom };
    openMenu({ message, ...point, focusBack: (event.target as HTMLElement).closest<HTMLElement>("[data-row]") });
  };
  /** Fingers have no right button, and not every phone makes a long touch one. */
  const touched = (event: MouseEvent) => {
    if (!window.matchMedia("(hover: none)").matches) return;
    if (!(event.target as Element).closest("a, button, input") && !window.getSelection()?.toString()) menuAt(event);
  };
  return (
    // The row is focused by arrow keys, its buttons do the same
    <div
      className={classes.said}
      data-own={own}
      data-lead={lead}
      data-selected={selected}
      onContextMenu={(event) => menuAt(event)}
    >
      {selected !== undefined && (
        <input
          type="checkbox"
          className={classes.choose}
          checked={selected}
          aria-label={t("message.select")}
          onChange={() => thread.select(message)}
        />
      )}
      <div className={classes.avatar}>
        {!own && lead && <PersonAvatar userId={message.sender} size={34} dot={false} />}
      </div>
      <div className={classes.column}>
        {lead && !own && (
          <div className={classes.head}>
            <span className={classes.name}>{name}</span>
            {person?.title && <span className={classes.title}>{person.title}</span>}
          </div>
        )}
        <div className={classes.line}>
          {/* A finger's way to the menu; the keyboard's is the row */}
          <div
            className={classes.bubble}
            onClick={touched}
            data-bubble
            data-plain={message.messageType === "image" && !message.content}
          >
            {message.forwardedFrom && <Forwarded userId={message.forwardedFrom.sender} />}
            {message.replyTo && (
              <Quote session={session} client={client} messageId={message.replyTo} seq={message.replyToSeq} />
            )}
            <Body message={message} />
            <span className={classes.meta}>
              {message.editedAt && <span title={fullTime(message.editedAt)}>{t("message.edited")}</span>}
              <time dateTime={message.createdAt} title={fullTime(message.createdAt)}>
                {clockTime(message.createdAt)}
              </time>
              {own && <StatusMark status={status} group={session.group} onOpen={() => thread.receipts(message)} />}
            </span>
          </div>
          <div className={classes.tools}>
            <Tool label={t("message.react")} onClick={(event) => menuAt(event, event.currentTarget)}>
              <SmilePlus size={16} />
            </Tool>
            <Tool label={t("message.reply")} onClick={() => thread.reply(message)}>
              <Reply size={16} />
            </Tool>
            <Tool label={t("message.actions")} onClick={(event) => menuAt(event, event.currentTarget)}>
              <MoreHorizontal size={16} />
            </Tool>
          </div>
        </div>
        {message.reactions && <Reactions message={message} client={client} />}
      </div>
    </div>
  );
}

function Tool(props: { label: string; onClick(event: MouseEvent): void; children: React.ReactNode }) {
  // Reached by the keyboard through the row (Enter), so that Tab does not go through every message.
  return (
    <button type="button" tabIndex={-1} aria-label={props.label} title={props.label} onClick={props.onClick}>
      {props.children}
    </button>
  );
}

function Forwarded({ userId }: { userId: string }) {
  const { t } = useTranslation();
  const person = usePerson(userId);
  return (
    <div className={classes.forwarded}>
      {person ? t("message.forwarded", { name: nameOf(person) }) : t("message.forwardedUnknown")}
    </div>
  );
}
