import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useChanges } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import { PersonAvatar } from "../common/Avatar";
import { personName, plainText, sessionName } from "../common/names";
import { shortTime } from "../common/times";
import { marked } from "./marked";
import classes from "./SearchPanel.module.css";
import type { Found } from "./useSearch";

/** A message that was found, with its words marked. */
export function Hit({ hit, client, onOpen }: { hit: Found; client: ChatClient; onOpen(): void }) {
  const { t } = useTranslation();
  const session = client.sessions.get(hit.sessionId);
  useChanges(session ?? client.sessions);
  // Edited or ended since it was found: what it says now, not what was found.
  const now = session?.timeline.find(hit._id);
  const changed = now && (now.isDeleted || now.rev > hit.rev) ? now : null;
  const sender = personName(client.people, hit.sender);
  // The name of a private conversation is that of the other user: it is news only beside the user's own messages.
  const told = session && (session.group || hit.sender === client.me);
  const pieces = !changed && hit.highlights?.length ? hit.highlights.map(marks) : [plainText(changed ?? hit, t)];
  return (
    <button type="button" className={classes.hit} onClick={onOpen}>
      <PersonAvatar userId={hit.sender} size={34} dot={false} />
      <span className={classes.hitText}>
        <span className={classes.hitHead}>
          <strong>{hit.sender === client.me ? t("app.you") : sender}</strong>
          {told && <span className={classes.where}>{sessionName(session, client.people)}</span>}
          <time dateTime={hit.createdAt}>{shortTime(hit.createdAt, t)}</time>
        </span>
        {pieces.map((piece, index) => (
          // Pieces have no names and never change
          <span key={index} className={classes.piece}>
            {piece}
          </span>
        ))}
      </span>
    </button>
  );
}

function marks(highlight: string): ReactNode {
  return marked(highlight).map((part, index) =>
    part.marked ? <mark key={index}>{part.text}</mark> : part.text,
  );
}
