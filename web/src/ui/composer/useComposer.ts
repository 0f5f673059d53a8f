// What is written in a conversation, and what becomes of it. All of it is the conversation's draft; the field follows.
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useEnterSends } from "../../app/preferences";
import { useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { Draft } from "../../core/draft";
import { type MentionRange, mentionsOf, moved } from "../../core/mentions";
import { OUTBOX_LIMIT } from "../../core/outbox";
import { saveEdit, sendDraft } from "../../core/sending";
import type { SessionStore } from "../../core/session-store";
import { composing } from "../common/ime";
import { beginEdit, lastEditable } from "./editing";
import { insertInto } from "./insert";
import { nameablesOf } from "./Mentions";
import type { Question } from "./Questions";
import { asTextFile, grouped, lengthOf, TEXT_LIMIT } from "./text";
import type { Attachments } from "./useAttachments";

/** Before more than so many people are called, a question. */
const ASK_BEYOND = 20;

interface ComposerOptions {
  client: ChatClient;
  session: SessionStore;
  attachments: Attachments;
  field: RefObject<HTMLTextAreaElement | null>;
}

/** What was answered to questions about the text that is being sent. */
interface Answers {
  everybody?: boolean;
  withoutReply?: boolean;
  /** Places of typed names that mean nobody. */
  nobody?: readonly number[];
}

const shown = (draft: Draft) => (draft.edit ? draft.edit.text : draft.text);
const rangesOf = (draft: Draft) => (draft.edit ? draft.edit.mentions : draft.mentions);

export function useComposer({ client, session, attachments, field }: ComposerOptions) {
  const { t } = useTranslation();
  const { drafts } = client;
  const draft = useValue(drafts, () => drafts.of(session.id));
  // The field's own state, so that a keystroke is drawn at once; the draft has it, too.
  const [text, setOwnText] = useState(() => shown(draft));
  const latest = useRef(text);
  const [problem, setProblem] = useState("");
  const [question, setQuestion] = useState<Question | null>(null);
  const [enterSends] = useEnterSends();
  const inMethod = useRef(false);
  const editing = draft.edit?.id;
  const replying = draft.replyTo?.id;

  const show = useCallback((next: string) => {
    latest.current = next;
    setOwnText(next);
  }, []);

  // From the database a moment after the page, from another tab at any time, or because an edit began or ended.
  useEffect(() => {
    if (shown(draft) !== latest.current && !inMethod.current) show(shown(draft));
  }, [draft, show]);

  useEffect(() => {
    setProblem("");
    setQuestion(null);
    if (editing || replying) field.current?.focus();
  }, [editing, replying, field]);

  const put = useCallback(
    (next: string, ranges: MentionRange[]) => {
      show(next);
      const { edit } = drafts.of(session.id);
      if (edit) drafts.change(session.id, { edit: { ...edit, text: next, mentions: ranges } });
      else drafts.change(session.id, { text: next, mentions: ranges });
    },
    [drafts, session, show],
  );

  const typed = useCallback(
    (next: string) => {
      setProblem("");
      setQuestion(null);
      put(next, moved(rangesOf(drafts.of(session.id)), latest.current, next));
      if (!drafts.of(session.id).edit) client.typing(session.id, next.trim() !== "");
    },
    [client, drafts, session, put],
  );

  const onChosen = useCallback(
    (range: MentionRange) => {
      const others = rangesOf(drafts.of(session.id)).filter((one) => one.to <= range.from || one.from >= range.to);
      put(latest.current, [...others, range]);
    },
    [drafts, session, put],
  );

  const length = useMemo(() => lengthOf(text), [text]);
  const over = length - TEXT_LIMIT;
  const written = text.trim() !== "";
  const refused = attachments.all.some((one) => one.problem);
  const sendable = over <= 0 && (draft.edit ? written || hasFile(session, draft) : !refused && (written || attachments.all.length > 0));

  const send = (answers: Answers = {}) => {
    if (!sendable) {
      if (refused && !draft.edit) setProblem(t("composer.removeRefused"));
      return;
    }
    setQuestion(null);
    const now = drafts.of(session.id);
    // Blanks at the beginning may be meant: a list, a table.
    const content = latest.current.trimEnd();
    const { mentions, open } = session.group
      ? mentionsOf(content, rangesOf(now), nameablesOf(session, client))
      : { mentions: undefined, open: [] };
    const unclear = open.find((one) => !answers.nobody?.includes(one.from));
    if (unclear) {
      setQuestion({
        what: "who",
        name: unclear.name,
        ids: unclear.ids,
        answer: (id) => {
          if (id) onChosen({ from: unclear.from, to: unclear.to, id });
          send(id ? answers : { ...answers, nobody: [...(answers.nobody ?? []), unclear.from] });
        },
      });
      return;
    }
    const size = client.people.activeAmong(session.document.participants).length;
    const before = now.edit ? session.timeline.find(now.edit.id)?.mentions : undefined;
    if (mentions === "all" && before !== "all" && size > ASK_BEYOND && !answers.everybody) {
      setQuestion({ what: "everybody", count: size, answer: () => send({ ...answers, everybody: true }) });
      return;
    }
    if (now.edit) {
      saveEdit(client, session.id, content, mentions);
      field.current?.focus();
      return;
    }
    const answered = now.replyTo && session.timeline.find(now.replyTo.id);
    if (answered?.isDeleted && !answers.withoutReply) {
      setQuestion({ what: "replyGone", answer: () => send({ ...answers, withoutReply: true }) });
      return;
    }
    if (client.outbox.size + attachments.all.length >= OUTBOX_LIMIT) {
      setProblem(t("composer.full"));
      return;
    }
    sendDraft(client, session.id, { content, mentions, withoutReply: answers.withoutReply });
    client.typing(session.id, false);
    show("");
    field.current?.focus();
  };

  const cancel = () => {
    if (draft.edit) drafts.change(session.id, { edit: undefined });
    else drafts.change(session.id, { replyTo: undefined });
  };

  const pressed = (event: KeyboardEvent) => {
    // Enter that ends a Chinese word is the input method's.
    if (composing(event)) return;
    const main = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && (main || (enterSends && !event.shiftKey))) {
      event.preventDefault();
      send();
    } else if (event.key === "Escape" && question) {
      event.preventDefault();
      setQuestion(null);
    } else if (event.key === "Escape" && (draft.edit || draft.replyTo)) {
      event.preventDefault();
      cancel();
    } else if (event.key === "ArrowUp" && !text && !draft.edit && !event.altKey) {
      const last = lastEditable(session, client.me);
      if (!last) return;
      event.preventDefault();
      beginEdit(client, session, last);
    }
  };

  const insert = (piece: string) => {
    const element = field.current;
    if (element) insertInto(element, element.selectionStart, element.selectionEnd, piece);
  };

  const sendAsFile = () => {
    attachments.add([asTextFile(latest.current)]);
    put("", []);
    field.current?.focus();
  };

  const composition = {
    onCompositionStart: () => {
      inMethod.current = true;
    },
    onCompositionEnd: () => {
      inMethod.current = false;
    },
  };

  return {
    text,
    draft,
    ranges: rangesOf(draft),
    typed,
    onChosen,
    pressed,
    composition,
    send: () => send(),
    cancel,
    sendable,
    insert,
    enterSends,
    /** Too long for a message, by so many characters. */
    over: over > 0 ? over : 0,
    sendAsFile: over > 0 && !draft.edit ? sendAsFile : undefined,
    problem: problem || (over > 0 ? t("composer.tooLong", { over: grouped(over) }) : ""),
    question,
    dismiss: () => {
      setQuestion(null);
      field.current?.focus();
    },
  };
}

/** A picture may lose its caption; a text may not lose everything. */
function hasFile(session: SessionStore, draft: Draft): boolean {
  const message = draft.edit && session.timeline.find(draft.edit.id);
  return Boolean(message?.fileUrl);
}
