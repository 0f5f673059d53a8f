// The text being written, and what becomes of it.
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { OUTBOX_LIMIT } from "../../core/outbox";
import type { Outgoing } from "../../core/outbox-entry";
import type { SessionStore } from "../../core/session-store";
import type { Mode } from "../thread/ThreadPane";
import { mentionsIn } from "./Mentions";
import type { Attachments } from "./useAttachments";

export const TEXT_LIMIT = 8_000;

interface ComposerOptions {
  client: ChatClient;
  session: SessionStore;
  mode: Mode;
  setMode(mode: Mode): void;
  attachments: Attachments;
  field: RefObject<HTMLTextAreaElement | null>;
}

export function useComposer({ client, session, mode, setMode, attachments, field }: ComposerOptions) {
  const { t } = useTranslation();
  const { drafts } = client;
  // The field's own state, so that a keystroke is drawn at once; the draft follows it.
  const [text, setOwnText] = useState(() => drafts.get(session.id));
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [waiting, setWaiting] = useState(false);
  const touched = useRef(false);
  const { editing } = mode;

  // Drafts come from the database a moment after the page.
  const loaded = useChanges(drafts) > 0;
  useEffect(() => {
    if (loaded && !touched.current) setOwnText(drafts.get(session.id));
  }, [loaded, drafts, session]);

  useEffect(() => {
    if (editing) {
      touched.current = true;
      setOwnText(editing.content);
    } else if (touched.current) setOwnText(drafts.get(session.id));
    setProblem("");
    if (editing || mode.replyTo) field.current?.focus();
  }, [editing, mode.replyTo, drafts, session, field]);

  const setText = useCallback(
    (next: string) => {
      touched.current = true;
      setOwnText(next);
      setProblem("");
      if (!editing) drafts.set(session.id, next);
    },
    [drafts, session, editing],
  );

  const typed = (next: string) => {
    setText(next);
    if (!editing) client.typing(session.id, next.trim() !== "");
  };

  const over = [...text].length - TEXT_LIMIT;
  const written = text.trim() !== "";
  const uploading = !attachments.settled;
  const sendable = over <= 0 && !busy && attachments.settled && (written || (attachments.ready.length > 0 && !editing));

  const saveEdit = async (content: string) => {
    if (!editing) return;
    if (content === editing.content) {
      setMode({});
      return;
    }
    setBusy(true);
    try {
      const body = { content, mentions: mentionsIn(content, session, client) ?? [] };
      await client.api.call("PUT", `/api/chat/messages/${editing._id}`, { body });
      setMode({});
    } catch (thrown) {
      const { code, message } = thrown as Error & { code?: string };
      setProblem(
        code === "NETWORK" ? t("error.network") : code === "WINDOW_CLOSED" ? t("composer.editWindow") : message,
      );
    } finally {
      setBusy(false);
    }
  };

  const send = () => {
    if (uploading && over <= 0 && !editing) setWaiting(true);
    if (!sendable) return;
    if (editing) {
      void saveEdit(text.trim());
      return;
    }
    if (client.outbox.size + attachments.ready.length >= OUTBOX_LIMIT) {
      setProblem(t("composer.full"));
      return;
    }
    let replyTo = mode.replyTo?._id;
    const add = (body: Outgoing) => {
      client.outbox.add(session.id, replyTo ? { ...body, replyTo } : body);
      replyTo = undefined;
    };
    for (const file of attachments.takeReady()) add(file);
    if (written) add({ messageType: "text", content: text.trim(), mentions: mentionsIn(text, session, client) });
    client.typing(session.id, false);
    setText("");
    if (mode.replyTo) setMode({});
    field.current?.focus();
  };

  // "Send" was said while a file was on its way: it is done when the file is there, unless one did not arrive.
  const sendLater = useRef(send);
  sendLater.current = send;
  const arrived = attachments.settled && attachments.all.every((one) => one.uploaded);
  useEffect(() => {
    if (!waiting || uploading) return;
    setWaiting(false);
    if (arrived) sendLater.current();
  }, [waiting, uploading, arrived]);

  const editLast = () => {
    const { timeline } = session;
    for (let seq = session.head; seq > Math.max(timeline.hiddenSeq, session.head - 200); seq--) {
      const message = timeline.get(seq);
      if (
        message?.sender !== client.me ||
        message.isDeleted ||
        message.messageType !== "text" ||
        message.merged ||
        message.system
      )
        continue;
      setMode({ editing: message });
      return;
    }
  };

  const pressed = (event: KeyboardEvent) => {
    // Enter that ends a Chinese word is the input method's; some browsers tell only by the key code.
    if (event.nativeEvent.isComposing || event.keyCode === 229) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && (mode.editing || mode.replyTo)) {
      event.preventDefault();
      setMode({});
    } else if (event.key === "ArrowUp" && !text && !event.altKey) {
      event.preventDefault();
      editLast();
    }
  };

  const insert = (piece: string) => {
    const element = field.current;
    const from = element?.selectionStart ?? text.length;
    const to = element?.selectionEnd ?? from;
    setText(text.slice(0, from) + piece + text.slice(to));
    requestAnimationFrame(() => {
      element?.focus();
      element?.setSelectionRange(from + piece.length, from + piece.length);
    });
  };

  const shownProblem = problem || (over > 0 ? t("composer.tooLong", { over }) : "");
  return { text, setText, typed, pressed, send, waiting, sendable: sendable || (uploading && !waiting && over <= 0), insert, problem: shownProblem };
}
