// What has to be asked before something is sent. The text stays in the field until it is answered.
import { Button } from "@mantine/core";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import type { ChatClient } from "../../core/client";
import { PersonAvatar } from "../common/Avatar";
import { personName } from "../common/names";
import { detailOf } from "./Mentions";
import classes from "./Questions.module.css";

export type Question =
  | { what: "everybody"; count: number; answer(): void }
  | { what: "replyGone"; answer(): void }
  /** Several bear the name that was typed; nobody is meant by an empty answer. */
  | { what: "who"; name: string; ids: readonly string[]; answer(id: string | null): void };

interface QuestionProps {
  client: ChatClient;
  question: Question;
  onClose(): void;
}

export function QuestionPanel({ client, question, onClose }: QuestionProps) {
  const { t } = useTranslation();
  const frame = useRef<HTMLDivElement>(null);
  useEffect(() => frame.current?.querySelector("button")?.focus(), [question]);
  const words =
    question.what === "everybody"
      ? t("composer.askEverybody", { count: question.count, others: question.count - 1 })
      : question.what === "replyGone"
        ? t("composer.askReplyGone")
        : t("composer.askWho", { name: question.name });
  return (
    <div
      ref={frame}
      role="alertdialog"
      aria-label={words}
      className={classes.question}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.preventDefault();
        event.stopPropagation();
        onClose();
      }}
    >
      <p className={classes.words}>{words}</p>
      <div className={classes.answers}>
        {question.what === "who" ? (
          <>
            {question.ids.map((id) => (
              <PersonAnswer key={id} client={client} id={id} onClick={() => question.answer(id)} />
            ))}
            <Button size="xs" variant="default" onClick={() => question.answer(null)}>
              {t("composer.askNobody")}
            </Button>
          </>
        ) : (
          <Button size="xs" onClick={() => question.answer()}>
            {t(question.what === "everybody" ? "composer.askEverybodyYes" : "composer.askReplyGoneYes")}
          </Button>
        )}
        <Button size="xs" variant="subtle" onClick={onClose}>
          {t("app.cancel")}
        </Button>
      </div>
    </div>
  );
}

function PersonAnswer({ client, id, onClick }: { client: ChatClient; id: string; onClick(): void }) {
  const person = client.people.get(id);
  return (
    <button type="button" className={classes.person} onClick={onClick}>
      <PersonAvatar userId={id} size={26} dot={false} />
      <span className={classes.name}>{personName(client.people, id)}</span>
      <span className={classes.detail}>{person && detailOf(person)}</span>
    </button>
  );
}
