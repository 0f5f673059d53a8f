import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { personName, plainText } from "../common/names";

/** Reads new messages of the open conversation out to a screen reader, without its user leaving the composer. */
export function Announcer({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  useEffect(
    () =>
      client.hear((message, where) => {
        if (where !== session) return;
        setText(`${personName(client.people, message.sender)}: ${plainText(message, t).slice(0, 300)}`);
      }),
    [client, session, t],
  );
  return (
    <div className="visually-hidden" aria-live="polite">
      {text}
    </div>
  );
}
