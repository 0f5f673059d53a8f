// What rings: a desktop notification for what nobody is looking at, and the number of unread messages in the title. What is
// read on another device, or lies in a muted session, is quiet.
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { ChatClient } from "../core/client";
import { nameOf } from "../core/people";
import type { SessionStore } from "../core/session-store";
import type { Message } from "../core/wire";
import { plainText, sessionName } from "../ui/common/names";

/** Another device may be reading it just now: a bell waits this long, and rings only if it is still unread. */
const WAIT_MS = 700;

export function mentioned(message: Message, me: string): boolean {
  const { mentions } = message;
  return mentions === "all" || (Array.isArray(mentions) && mentions.includes(me));
}

export function useAlerts(client: ChatClient, sessionId: string | undefined): void {
  const { t } = useTranslation();
  const [, go] = useLocation();

  useEffect(() => {
    const { sessions } = client;
    const show = () => {
      const { unread } = sessions;
      document.title = unread > 0 ? `(${unread > 99 ? "99+" : unread}) Wardline` : "Wardline";
    };
    show();
    const end = sessions.subscribe(show);
    return () => {
      end();
      document.title = "Wardline";
    };
  }, [client]);

  useEffect(() => {
    const shown = new Map<string, Notification>();
    const looking = (session: SessionStore) => session.id === sessionId && document.hasFocus();
    const ring = (message: Message, session: SessionStore) => {
      if (looking(session) || session.unread === 0 || (session.seat?.readSeq ?? 0) >= message.seq) return;
      const person = client.people.get(message.sender);
      const name = person ? nameOf(person) : "Wardline";
      const title = session.group ? t("notify.inGroup", { name, group: sessionName(session, client.people) }) : name;
      shown.get(session.id)?.close();
      const note = new Notification(title, { body: plainText(message, t).slice(0, 200), tag: session.id });
      shown.set(session.id, note);
      note.onclick = () => {
        window.focus();
        go(`/s/${session.id}`);
        note.close();
      };
      note.onclose = () => {
        if (shown.get(session.id) === note) shown.delete(session.id);
      };
    };
    const endHearing = client.hear((message, session) => {
      if (!("Notification" in window) || Notification.permission !== "granted") return;
      if (looking(session) || (session.muted && !mentioned(message, client.me))) return;
      setTimeout(() => ring(message, session), WAIT_MS);
    });
    const endWatching = client.sessions.subscribe(() => {
      for (const [id, note] of shown) if (!client.sessions.get(id)?.unread) note.close();
    });
    return () => {
      endHearing();
      endWatching();
      for (const note of shown.values()) note.close();
    };
  }, [client, sessionId, t, go]);
}
