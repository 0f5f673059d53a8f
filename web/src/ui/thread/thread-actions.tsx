// What can be done with messages of the open conversation, for rows deep below it, and the dialogs that some of it needs.
import { createContext, type ReactNode, use, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { Change } from "../../core/outbox-entry";
import { versionOf } from "../../core/sending";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { copyText } from "../common/clipboard";
import { Toast } from "../common/Toast";
import { beginEdit } from "../composer/editing";
import { copied } from "./copied";
import { part } from "../common/part";

const Ask = part(() => import("../common/Ask"), "dialog");
const ForwardDialog = part(() => import("../forward/ForwardDialog"), "dialog");
const ReceiptsDialog = part(() => import("../receipts/ReceiptsDialog"), "dialog");
const ImageViewer = part(() => import("../viewer/ImageViewer"), "dialog");
const MergedDialog = part(() => import("../forward/MergedDialog"), "dialog");

export interface ThreadActions {
  client: ChatClient;
  session: SessionStore;
  reply(message: Message): void;
  edit(message: Message): void;
  recall(message: Message): void;
  remove(message: Message): void;
  react(message: Message, emoji: string): void;
  copy(messages: Message[]): void;
  forward(messages: Message[]): void;
  receipts(message: Message): void;
  view(message: Message): void;
  openMerged(message: Message): void;
  /** Messages chosen for forwarding, by id. */
  selection: ReadonlyMap<string, Message>;
  select(message: Message): void;
  clearSelection(): void;
  /** Shows the message at this place, and marks it for a moment. Set by the scroller. */
  jump: { to: (seq: number) => void };
  dialogs: ReactNode;
}

export const ThreadContext = createContext<ThreadActions | null>(null);

export function useThread(): ThreadActions {
  const actions = use(ThreadContext);
  if (!actions) throw new Error("useThread outside of a thread");
  return actions;
}

type Open =
  | { what: "forward"; messages: Message[] }
  | { what: "receipts" | "view" | "merged" | "delete"; message: Message }
  | null;

export function useThreadActions(client: ChatClient, session: SessionStore): ThreadActions {
  const { t } = useTranslation();
  const [open, setOpen] = useState<Open>(null);
  const [selection, setSelection] = useState<ReadonlyMap<string, Message>>(new Map());
  const [word, setWord] = useState("");
  const jump = useMemo(() => ({ to: (_seq: number) => {} }), []);

  const verbs = useMemo(() => {
    // Like messages, changes wait for a connection and are made in their order; what is refused for good, the composer tells.
    const change = (message: Message, how: Omit<Change, "messageId">) =>
      client.change(session.id, { ...how, messageId: message._id });
    const one = (message: Message) => `/api/chat/messages/${message._id}`;
    return {
      reply: (message: Message) =>
        client.drafts.change(session.id, {
          replyTo: { id: message._id, seq: message.seq, base: message.content, asOf: versionOf(message) },
          edit: undefined,
        }),
      edit: (message: Message) => beginEdit(client, session, message),
      recall: (message: Message) => change(message, { what: "recall", method: "POST", path: `${one(message)}/recall` }),
      remove: (message: Message) => setOpen({ what: "delete", message }),
      removeNow: (message: Message) =>
        change(message, { what: "delete", method: "DELETE", path: one(message), body: { userId: client.me } }),
      react: (message: Message, emoji: string) => {
        const mine = message.reactions?.some((one) => one.emoji === emoji && one.users.includes(client.me));
        const reactions = `${one(message)}/reactions`;
        const how = mine
          ? { method: "DELETE", path: `${reactions}/${encodeURIComponent(emoji)}` }
          : { method: "POST", path: reactions, body: { emoji } };
        change(message, { what: "react", text: emoji, ...how });
      },
      copy: (messages: Message[]) => {
        const [only] = messages;
        const text = messages.length === 1 && only ? only.content : copied(messages, client.people, client.me, t);
        copyText(text).then(
          () => setWord(t("message.copied")),
          () => setWord(t("message.notCopied")),
        );
      },
      forward: (messages: Message[]) => setOpen({ what: "forward", messages }),
      receipts: (message: Message) => setOpen({ what: "receipts", message }),
      view: (message: Message) => setOpen({ what: "view", message }),
      openMerged: (message: Message) => setOpen({ what: "merged", message }),
      select: (message: Message) =>
        setSelection((before) => {
          const after = new Map(before);
          if (!after.delete(message._id) && after.size < 100) after.set(message._id, message);
          return after;
        }),
      clearSelection: () => setSelection(new Map()),
    };
  }, [client, session, t]);

  return useMemo(() => {
    const { removeNow, ...others } = verbs;
    const close = () => setOpen(null);
    const forwarded = (sent: boolean, waits = false) => {
      close();
      if (!sent) return;
      setSelection(new Map());
      setWord(t(waits ? "forward.waits" : "forward.sent"));
    };
    const dialogs = (
      <>
          {open?.what === "forward" && <ForwardDialog client={client} messages={open.messages} onClose={forwarded} />}
          {open?.what === "receipts" && <ReceiptsDialog client={client} message={open.message} onClose={close} />}
          {open?.what === "view" && <ImageViewer images={imagesOf(session)} image={open.message} onClose={close} />}
          {open?.what === "merged" && <MergedDialog client={client} message={open.message} onClose={close} />}
        {open?.what === "delete" && (
          <Ask
            title={t("message.deleteTitle")}
            text={t("message.deleteSure")}
            submit={t("message.delete")}
            danger
            onYes={() => {
              removeNow(open.message);
              close();
            }}
            onNo={close}
          />
        )}
        <Toast text={word} onGone={() => setWord("")} />
      </>
    );
    return { client, session, ...others, selection, jump, dialogs };
  }, [client, session, verbs, selection, jump, open, word, t]);
}

function imagesOf(session: SessionStore): readonly Message[] {
  return session.timeline.all().filter((one) => one.messageType === "image" && !one.isDeleted);
}
