// A conversation on paper: everything of it that is loaded, in plain lines.
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { personName, plainText, sessionName, systemText } from "../common/names";
import { fullTime } from "../common/times";
import classes from "./PrintedThread.module.css";

export function PrintedThread({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  const all = session.timeline.all();
  return (
    <article className={classes.printed} data-testid="printed">
      <h1>{sessionName(session, client.people)}</h1>
      {all.map((one) => (
        <p key={one.seq} className={classes.line}>
          <span className={classes.at}>{fullTime(one.createdAt)}</span>
          {one.system ? (
            <em>{systemText(one, client.people, client.me, t)}</em>
          ) : (
            <span className={classes.text} dir="auto">
              <strong>{personName(client.people, one.sender)}</strong> {plainText(one, t)}
            </span>
          )}
        </p>
      ))}
    </article>
  );
}
