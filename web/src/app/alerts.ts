// Notifications: a desktop notification and a sound for new messages that the user does not look at, whether they came
// live or while there was no connection. Messages that were read on another device, or of a muted session, are quiet.
// The organisation and the user decide how much a notification shows.
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { ChatClient } from "../core/client";
import { nameOf } from "../core/people";
import type { SessionStore } from "../core/session-store";
import type { Message } from "../core/wire";
import { plainText, sessionName } from "../ui/common/names";
import { abilities } from "./abilities";
import { attention } from "./attention";
import { deviceSettings } from "./device-settings";
import { notify, openedFromNote, type Note } from "./notes";
import { chime } from "./sound";
import { countTitle } from "./title";

/** Another device may be reading it just now: a bell waits this long, and rings only if it is still unread. */
const WAIT_MS = 700;

export type AlertContent = "none" | "sender" | "text";

/** What an alert may show: at most what the organisation allows, and text only where the user wants it on this device. */
export function alertContent(ceiling: AlertContent): AlertContent {
  if (ceiling === "none") return "none";
  return ceiling === "text" && deviceSettings.get("alertText") ? "text" : "sender";
}

export function mentioned(message: Message, me: string): boolean {
  const { mentions } = message;
  return mentions === "all" || (Array.isArray(mentions) && mentions.includes(me));
}

/** The conversation whose messages are drawn just now. */
const drawn = { sessionId: "" };

/** Says that a conversation's messages are on the screen, as long as it is. */
export function useDrawn(sessionId: string): void {
  useEffect(() => {
    drawn.sessionId = sessionId;
    return () => {
      if (drawn.sessionId === sessionId) drawn.sessionId = "";
    };
  }, [sessionId]);
}

/** Runs as long as a user is signed in, on every page. */
export function useAlerts(client: ChatClient, ceiling: AlertContent): void {
  const { t } = useTranslation();
  const [, go] = useLocation();

  useEffect(() => {
    const show = () => countTitle(client.sessions.unread);
    show();
    const end = client.sessions.subscribe(show);
    return () => {
      end();
      countTitle(0);
    };
  }, [client]);

  useEffect(() => {
    const shown = new Map<string, Note>();
    const timers = new Set<ReturnType<typeof setTimeout>>();
    const looking = (session: SessionStore) => session.id === drawn.sessionId && attention().here;
    const open = (sessionId: string) => {
      window.focus();
      go(`/s/${sessionId}`);
    };
    const words = (session: SessionStore, messages: readonly Message[]) => {
      const content = alertContent(ceiling);
      if (content === "none") return { title: t("notify.any") };
      const [message] = messages;
      const count = Math.max(messages.length, session.unread, 1);
      const person = message ? client.people.get(message.sender) : undefined;
      const alone = messages.length === 1 && message;
      const place = sessionName(session, client.people);
      const name = person ? nameOf(person) : place;
      const title = session.group && alone ? t("notify.inGroup", { name, group: place }) : session.group ? place : name;
      const body = alone && content === "text" ? plainText(message, t).slice(0, 200) : t("notify.count", { count: alone ? 1 : count });
      return { title, body };
    };
    const ring = (session: SessionStore, messages: readonly Message[]) => {
      if (looking(session) || session.unread === 0) return;
      const readSeq = Math.max(session.membership?.readSeq ?? 0, client.reading.upTo(session.id));
      const fresh = messages.filter((message) => message.seq > readSeq);
      if (messages.length > 0 && fresh.length === 0) return;
      if (deviceSettings.get("sound")) chime();
      if (!abilities.alerts || Notification.permission !== "granted") return;
      shown.get(session.id)?.close();
      const { title, body } = words(session, fresh);
      const note = notify(title, { body, tag: session.id }, () => open(session.id));
      if (note) shown.set(session.id, note);
    };
    const soon = (session: SessionStore, messages: readonly Message[]) => {
      const loud = !session.muted || messages.some((message) => mentioned(message, client.me));
      if (looking(session) || !loud) return;
      const timer = setTimeout(() => {
        timers.delete(timer);
        ring(session, messages);
      }, WAIT_MS);
      timers.add(timer);
    };
    const ends = [
      client.hear((message, session) => soon(session, [message])),
      client.hearMissed(soon),
      client.sessions.subscribe(() => {
        for (const [id, note] of shown) {
          if (client.sessions.get(id)?.unread) continue;
          note.close();
          shown.delete(id);
        }
      }),
      openedFromNote(open),
    ];
    return () => {
      for (const end of ends) end();
      for (const timer of timers) clearTimeout(timer);
      for (const note of shown.values()) note.close();
    };
  }, [client, ceiling, t, go]);
}
