// One message: who and when at the head of a run, what it says, and how far it has come.
import { MoreHorizontal, Reply, SmilePlus } from "lucide-react";
import { type MouseEvent, memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { usePerson, useValue } from "../../app/hooks";
import { changesTo, withChanges } from "../../core/changes";
import type { ChatClient } from "../../core/client";
import { nameOf } from "../../core/people";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { PersonAvatar } from "../common/Avatar";
import { personName, systemText } from "../common/names";
import { clockTime, dayName, fullTime } from "../common/times";
import { Unconfirmed } from "../common/Unconfirmed";
import { useThread } from "../thread/thread-actions";
import { Body } from "./Body";
import classes from "./MessageRow.module.css";
import { Quote } from "./Quote";
import { Reactions } from "./Reactions";
import type { RowMenuAt } from "./RowMenu";
import { StatusMark } from "./StatusMark";
import { useLongPress } from "./useLongPress";

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
  const { deletedBy } = message as { deletedBy?: string };
  const text = message.recalledAt
    ? own
      ? t("message.recalledByYou")
      : t("message.recalled", { name: person ? nameOf(person) : "…" })
    : deletedBy === client.me
      ? t("message.deletedByYou")
      : deletedBy
        ? t("message.deletedBy", { name: personName(client.people, deletedBy) })
        : t("message.deleted");
  return (
    <p className={classes.tombstone} title={fullTime(message.updatedAt)}>
      {text}
    </p>
  );
}

function Said(props: MessageRowProps) {
  const { session, client, lead, status, selected, openMenu } = props;
  const { t } = useTranslation();
  const waiting = useValue(client.outbox, () => client.outbox.changesOf(session.id));
  const changes = useMemo(() => changesTo(props.message._id, waiting), [props.message._id, waiting]);
  const message = useMemo(() => withChanges(props.message, changes, client.me), [props.message, changes, client.me]);
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
  const { taken, ...press } = useLongPress(({ x, y, target }) => {
    if (selected === undefined) openMenu({ message, x, y, focusBack: target.closest<HTMLElement>("[data-row]") });
    else thread.select(message);
  });
  /** While messages are chosen a tap anywhere on one chooses it. */
  const tapped = (event: MouseEvent) => {
    if (selected === undefined || (event.target as Element).closest("input") || window.getSelection()?.toString()) return;
    event.preventDefault();
    event.stopPropagation();
    thread.select(message);
  };
  return (
    // The row is focused by arrow keys, its buttons do the same
    <div
      className={classes.said}
      data-own={own}
      data-lead={lead}
      data-selected={selected}
      onContextMenu={(event) => (taken() ? event.preventDefault() : menuAt(event))}
      {...press}
      onClickCapture={(event) => {
        press.onClickCapture(event);
        if (!event.isPropagationStopped()) tapped(event);
      }}
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
        {lead && !own && session.group ? (
          <div className={classes.head}>
            <span className={classes.name} dir="auto">
              {name}
              <Unconfirmed person={person} />
            </span>
            {person?.title && <span className={classes.title}>{person.title}</span>}
          </div>
        ) : (
          // The position shows the sender on the screen; a screen reader needs the name.
          <span className="visually-hidden">{own ? t("app.you") : name}</span>
        )}
        <div className={classes.line}>
          <div
            className={classes.bubble}
            data-bubble
            data-plain={message.messageType === "image" && !message.content}
          >
            {message.forwardedFrom && <Forwarded from={message.forwardedFrom} />}
            {message.replyTo && (
              <Quote
                session={session}
                client={client}
                messageId={message.replyTo}
                seq={message.replyToSeq}
                answeredAt={answeredAt(message)}
                change={message.replyToChange}
              />
            )}
            <Body message={message} />
            <span className={classes.meta}>
              {changes.some((one) => one.state === "unsent") && (
                <span data-testid="change-waits">{t("message.unsent")}</span>
              )}
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

/** The time as of which the author of an answer knew what they answer; never later than the answer itself. */
function answeredAt({ createdAt, replyToAsOf }: Message): string {
  return replyToAsOf && new Date(replyToAsOf) < new Date(createdAt) ? replyToAsOf : createdAt;
}

/** Behind the time of words that were edited before they were forwarded. */
export function Edited({ at }: { at: string | undefined }) {
  const { t } = useTranslation();
  if (!at) return null;
  return (
    <>
      {" · "}
      <span title={fullTime(at)}>{t("message.edited")}</span>
    </>
  );
}

/** Whose words these are, and of when: the copy stays as it is whatever becomes of the message. */
function Forwarded({ from }: { from: NonNullable<Message["forwardedFrom"]> }) {
  const { t } = useTranslation();
  const person = usePerson(from.sender);
  return (
    <div className={classes.forwarded} title={t("message.copyOf")}>
      {person ? t("message.forwarded", { name: nameOf(person) }) : t("message.forwardedUnknown")}
      {" · "}
      <time dateTime={from.createdAt}>{fullTime(from.createdAt)}</time>
      <Edited at={from.editedAt} />
    </div>
  );
}
