import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import type { Message } from "../../core/wire";
import { personName } from "../common/names";
import { useThread } from "../thread/thread-actions";
import classes from "./Reactions.module.css";

/** The reactions to a message; a click adds or removes the user's own. */
export function Reactions({ message, client }: { message: Message; client: ChatClient }) {
  const { t } = useTranslation();
  const { react } = useThread();
  return (
    <div className={classes.row}>
      {message.reactions?.map(({ emoji, users }) => {
        const names = users.map((id) => personName(client.people, id)).join(t("app.comma"));
        return (
          <button
            key={emoji}
            type="button"
            className={classes.reaction}
            aria-pressed={users.includes(client.me)}
            aria-label={t("message.reaction", { emoji, count: users.length, names })}
            title={names}
            onClick={() => react(message, emoji)}
          >
            {emoji} <span>{users.length}</span>
          </button>
        );
      })}
    </div>
  );
}
