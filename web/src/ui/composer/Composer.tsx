// Where one writes. Everything that is written, attached or chosen here is the conversation's draft, which outlives the page;
// Enter puts it into the outbox.
import { Button } from "@mantine/core";
import { Camera, Mic, Paperclip, SendHorizontal, Smile } from "lucide-react";
import { useCallback, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useDropTarget, useHovering } from "../../app/drops";
import { useMedia, useNarrow, usePerson, useValue } from "../../app/hooks";
import type { ChatClient } from "../../core/client";
import type { SessionStore } from "../../core/session-store";
import { sessionName } from "../common/names";
import { IconButton } from "../shell/Side";
import { AttachmentTray } from "./AttachmentTray";
import classes from "./Composer.module.css";
import { FailedChanges } from "./FailedChanges";
import { Inactive } from "./Inactive";
import { MentionList, useMentions } from "./Mentions";
import { ModeLine } from "./ModeLine";
import { Notices } from "./Notices";
import { QuestionPanel } from "./Questions";
import { TEXT_LIMIT } from "./text";
import { useAttachments } from "./useAttachments";
import { useComposer } from "./useComposer";
import { usePaste } from "./usePaste";
import { part } from "../common/part";

const EmojiPicker = part(() => import("./EmojiPicker"), "inline");
const Recorder = part(() => import("./Recorder"), "inline");

/** Telephones keep pictures as HEIC; some offer them only when they are named. */
const ACCEPTED = "*/*,image/*,image/heic,image/heif,.heic,.heif";
const TOUCH = "(hover: none) and (pointer: coarse)";
/** From here on the field no longer grows with its text: laying out a whole book for every key would freeze it. */
const LONG = 2 * TEXT_LIMIT;

export function Composer({ client, session }: { client: ChatClient; session: SessionStore }) {
  const other = usePerson(session.group ? client.me : session.other);
  if (!session.group && other && other.isActive === false) {
    return <Inactive client={client} sessionId={session.id} person={other} />;
  }
  return <Writing client={client} session={session} />;
}

function Writing({ client, session }: { client: ChatClient; session: SessionStore }) {
  const { t } = useTranslation();
  const narrow = useNarrow();
  const touch = useMedia(TOUCH);
  const field = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const [emoji, setEmoji] = useState(false);
  const [recording, setRecording] = useState(false);
  const attachments = useAttachments(client, session.id);
  const composer = useComposer({ client, session, attachments, field });
  const { draft, text } = composer;
  const mentions = useMentions({ client, session, field, text, ranges: composer.ranges, onChosen: composer.onChosen });
  const paste = usePaste(attachments.add, field);
  const hovering = useHovering();
  useDropTarget(attachments.add);
  const name = useValue(client.people, () => sessionName(session, client.people));

  // A finger wants to read first: on a phone the keyboard would cover half of it.
  useEffect(() => {
    if (!narrow) field.current?.focus({ preventScroll: true });
  }, [narrow]);

  const chosen = (event: React.ChangeEvent<HTMLInputElement>) => {
    attachments.add([...(event.currentTarget.files ?? [])]);
    event.currentTarget.value = "";
  };
  const sendNow = useRef(composer.send);
  sendNow.current = composer.send;
  const recorded = useCallback((send: boolean) => {
    setRecording(false);
    // The recording is attached by now; the next drawing knows it.
    if (send) requestAnimationFrame(() => requestAnimationFrame(() => sendNow.current()));
  }, []);
  const closeEmoji = useCallback(() => {
    setEmoji(false);
    field.current?.focus();
  }, []);
  const listed = mentions.found.length > 0;
  return (
    <div className={classes.composer}>
      {hovering === "here" && <div className={classes.drop}>{t("composer.drop")}</div>}
      <Notices client={client} sessionId={session.id} />
      <FailedChanges client={client} sessionId={session.id} />
      {(draft.replyTo || draft.edit) && (
        <ModeLine client={client} session={session} draft={draft} onCancel={composer.cancel} />
      )}
      <AttachmentTray attachments={attachments} />
      {paste.offered.length > 0 && (
        <div className={classes.offer} role="status">
          <span>{t("composer.pastedPicture")}</span>
          <Button size="xs" variant="default" onClick={paste.accept}>
            {t("composer.pastedAttach")}
          </Button>
          <Button size="xs" variant="subtle" onClick={paste.decline}>
            {t("composer.pastedNo")}
          </Button>
        </div>
      )}
      {composer.problem && (
        <div className={classes.problem} role="alert">
          <span>{composer.problem}</span>
          {composer.sendAsFile && (
            <Button size="xs" variant="default" onClick={composer.sendAsFile}>
              {t("composer.sendAsFile")}
            </Button>
          )}
        </div>
      )}
      {composer.question && (
        <QuestionPanel client={client} question={composer.question} onClose={composer.dismiss} />
      )}
      <MentionList mentions={mentions} />
      {recording ? (
          <Recorder store={client.attachments} sessionId={session.id} onDone={recorded} />
      ) : (
        <div className={classes.bar}>
          <input ref={picker} type="file" multiple hidden accept={ACCEPTED} data-testid="file-input" onChange={chosen} />
          <IconButton label={t("composer.attach")} onClick={() => picker.current?.click()} disabled={Boolean(draft.edit)}>
            <Paperclip size={20} />
          </IconButton>
          {touch && (
            <>
              <input
                ref={camera}
                type="file"
                hidden
                accept="image/*"
                capture="environment"
                data-testid="camera-input"
                onChange={chosen}
              />
              <IconButton
                label={t("composer.camera")}
                onClick={() => camera.current?.click()}
                disabled={Boolean(draft.edit)}
              >
                <Camera size={20} />
              </IconButton>
            </>
          )}
          <div className={classes.field}>
            <textarea
              ref={field}
              rows={1}
              dir="auto"
              data-long={text.length > LONG}
              value={text}
              aria-label={t("composer.label")}
              placeholder={t("composer.placeholder", { name })}
              aria-controls={listed ? "mention-list" : undefined}
              aria-activedescendant={listed && mentions.at >= 0 ? `mention-${mentions.at}` : undefined}
              aria-autocomplete="list"
              spellCheck={text.length <= LONG}
              enterKeyHint={composer.enterSends ? "send" : "enter"}
              onChange={(event) => {
                composer.typed(event.currentTarget.value);
                mentions.look();
              }}
              onSelect={mentions.look}
              onKeyDown={(event) => {
                if (!mentions.pressed(event)) composer.pressed(event);
              }}
              {...composer.composition}
              onPaste={paste.pasted}
              onBlur={() => client.typing(session.id, false)}
            />
          </div>
          <div className={classes.emojiPlace}>
            <IconButton label={t("composer.emoji")} pressed={emoji} onClick={() => setEmoji(!emoji)}>
              <Smile size={20} />
            </IconButton>
            {emoji && (
                <EmojiPicker onChosen={composer.insert} onClose={closeEmoji} />
            )}
          </div>
          {!text.trim() && attachments.all.length === 0 && !draft.edit && (
            <IconButton label={t("composer.voice")} onClick={() => setRecording(true)}>
              <Mic size={20} />
            </IconButton>
          )}
          <IconButton
            className={classes.send}
            label={t("composer.send")}
            onClick={composer.send}
            disabled={!composer.sendable}
          >
            <SendHorizontal size={20} />
          </IconButton>
        </div>
      )}
    </div>
  );
}
