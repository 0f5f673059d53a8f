// What can be done with messages of the open conversation, for rows deep below it, and the dialogs that some of it needs.
import { createContext, lazy, type ReactNode, Suspense, use, useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import type { Message } from "../../core/wire";
import { Toast } from "../common/Toast";
import type { Mode } from "./ThreadPane";

const ForwardDialog = lazy(() => import("../forward/ForwardDialog"));
const ReceiptsDialog = lazy(() => import("../receipts/ReceiptsDialog"));
const ImageViewer = lazy(() => import("../viewer/ImageViewer"));
const MergedDialog = lazy(() => import("../forward/MergedDialog"));

export interface ThreadActions {
  client: ChatClient;
  session: SessionStore;
  reply(message: Message): void;
  edit(message: Message): void;
  recall(message: Message): void;
  remove(message: Message): void;
  react(message: Message, emoji: string): void;
  copy(message: Message): void;
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
  | { what: "receipts" | "view" | "merged"; message: Message }
  | null;

export function useThreadActions(
  client: ChatClient,
  session: SessionStore,
  setMode: (mode: Mode) => void,
): ThreadActions {
  const { t } = useTranslation();
  const [open, setOpen] = useState<Open>(null);
  const [selection, setSelection] = useState<ReadonlyMap<string, Message>>(new Map());
  const [word, setWord] = useState("");
  const jump = useMemo(() => ({ to: (_seq: number) => {} }), []);

  const verbs = useMemo(() => {
    const call = (method: string, path: string, body?: unknown) => {
      client.api.call(method, path, { body }).catch((problem: Error & { code?: string }) => {
        setWord(problem.code === "NETWORK" ? t("error.network") : problem.message);
      });
    };
    const one = (message: Message) => `/api/chat/messages/${message._id}`;
    return {
      reply: (message: Message) => setMode({ replyTo: message }),
      edit: (message: Message) => setMode({ editing: message }),
      recall: (message: Message) => call("POST", `${one(message)}/recall`),
      remove: (message: Message) => call("DELETE", one(message), { userId: client.me }),
      react: (message: Message, emoji: string) => {
        const mine = message.reactions?.some((one) => one.emoji === emoji && one.users.includes(client.me));
        if (mine) call("DELETE", `${one(message)}/reactions/${encodeURIComponent(emoji)}`);
        else call("POST", `${one(message)}/reactions`, { emoji });
      },
      copy: (message: Message) => {
        navigator.clipboard.writeText(message.content).then(
          () => setWord(t("message.copied")),
          () => setWord(t("error.title")),
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
  }, [client, setMode, t]);

  return useMemo(() => {
    const close = () => setOpen(null);
    const forwarded = (sent: boolean) => {
      close();
      if (!sent) return;
      setSelection(new Map());
      setWord(t("forward.sent"));
    };
    const dialogs = (
      <>
        <Suspense>
          {open?.what === "forward" && <ForwardDialog client={client} messages={open.messages} onClose={forwarded} />}
          {open?.what === "receipts" && <ReceiptsDialog client={client} message={open.message} onClose={close} />}
          {open?.what === "view" && <ImageViewer session={session} message={open.message} onClose={close} />}
          {open?.what === "merged" && <MergedDialog client={client} message={open.message} onClose={close} />}
        </Suspense>
        <Toast text={word} onGone={() => setWord("")} />
      </>
    );
    return { client, session, ...verbs, selection, jump, dialogs };
  }, [client, session, verbs, selection, jump, open, word, t]);
}
